/* Publishes jobs pipelined and waits for their answers: foreground jobs, so that WORK_COMPLETE tells when the service
 * is done. The clock runs from the first submission to the last answer. SIGTERM ends the submitting early: what is under
 * way is still waited for. */
#include "link.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define HANDLE_BYTES 128
#define COMPLAINT_BYTES 200
#define OUT_BYTES_ENOUGH (128 * 1024) /* no more is built while this much waits to be written */

struct options {
    const char *host, *port, *function, *bodies, *expected, *log;
    size_t count, window; /* count 0: one job per body; window 0: no bound on jobs in flight */
    double interval_s;    /* 0: as fast as the window allows; else each job has its hour, and latency counts from it */
    double limit_s;
};

struct job {
    double due_s; /* when it was, or should have been, submitted */
    double latency_s;
    bool done;
    char handle[HANDLE_BYTES];
};

struct run {
    struct options options;
    struct link link;
    struct lines bodies;
    struct job *jobs;
    double start_s, *latencies_s;
    size_t submitted, created, oldest, done, completed, failed, unexpected;
    char complaint[COMPLAINT_BYTES]; /* the first warning, error or unexpected answer */
};

static volatile sig_atomic_t is_told_to_stop;

static void stop(int number)
{
    (void)number;
    is_told_to_stop = 1;
}

static struct options parse(int argc, char **argv)
{
    struct options options = {.host = "127.0.0.1", .port = "4730", .function = "fanout", .limit_s = 120};
    for (int option; (option = getopt(argc, argv, "h:p:f:b:c:w:i:e:t:l:")) != -1;) {
        switch (option) {
        case 'h': options.host = optarg; break;
        case 'p': options.port = optarg; break;
        case 'f': options.function = optarg; break;
        case 'b': options.bodies = optarg; break;
        case 'c': options.count = strtoul(optarg, NULL, 10); break;
        case 'w': options.window = strtoul(optarg, NULL, 10); break;
        case 'i': options.interval_s = strtod(optarg, NULL) / 1e6; break;
        case 'e': options.expected = optarg; break;
        case 't': options.limit_s = strtod(optarg, NULL); break;
        case 'l': options.log = optarg; break;
        default:
            die("publish -b FILE [-h HOST] [-p PORT] [-f FUNCTION] [-c COUNT] [-w WINDOW] [-i INTERVAL_US]"
                " [-e EXPECTED_ANSWER] [-t LIMIT_S] [-l LOG]");
        }
    }
    if (options.bodies == NULL)
        die("-b FILE with one job body per line is missing");
    return options;
}

static double due_s(const struct run *run, double now)
{
    double interval_s = run->options.interval_s;
    return interval_s > 0 ? run->start_s + (double)run->submitted * interval_s : now;
}

static bool may_submit(const struct run *run, double now)
{
    const struct buffer *out = &run->link.out;
    bool window_open = !run->options.window || run->submitted - run->done < run->options.window;
    return run->submitted < run->options.count && window_open && due_s(run, now) <= now
           && out->end - out->start < OUT_BYTES_ENOUGH;
}

static void submit_what_may(struct run *run)
{
    struct text function = {(char *)run->options.function, strlen(run->options.function)};
    double now = now_s();
    while (may_submit(run, now)) {
        run->jobs[run->submitted].due_s = due_s(run, now);
        put_submit(&run->link.out, SUBMIT_JOB, function, run->bodies.at[run->submitted % run->bodies.count]);
        run->submitted++;
    }
}

/* A handle ends at its first NUL, or with the packet. */
static size_t handle_size(const struct packet *packet)
{
    return strnlen(packet->body, packet->size);
}

static void note_created(struct run *run, const struct packet *packet)
{
    size_t size = handle_size(packet);
    if (size >= HANDLE_BYTES || run->created >= run->submitted)
        die("a JOB_CREATED that cannot be");
    memcpy(run->jobs[run->created].handle, packet->body, size);
    run->created++;
}

/* Answers come nearly in the order of submission, so the oldest open job is nearly always the one. */
static struct job *find_open(struct run *run, const struct packet *packet)
{
    size_t size = handle_size(packet);
    for (size_t i = run->oldest; i < run->created; i++) {
        struct job *job = &run->jobs[i];
        if (!job->done && !memcmp(job->handle, packet->body, size) && job->handle[size] == 0)
            return job;
    }
    return NULL; /* a second end of a job: WORK_FAIL after WORK_EXCEPTION on some servers */
}

static void end_job(struct run *run, struct job *job)
{
    job->done = true;
    job->latency_s = now_s() - job->due_s;
    run->latencies_s[run->done++] = job->latency_s;
    while (run->oldest < run->created && run->jobs[run->oldest].done)
        run->oldest++;
}

/* Keeps the first complaint only, in characters that need no escaping in JSON. */
static void note_complaint(struct run *run, struct text said)
{
    if (run->complaint[0])
        return;
    size_t kept = said.size < COMPLAINT_BYTES ? said.size : COMPLAINT_BYTES - 1;
    for (size_t i = 0; i < kept; i++) {
        char c = said.data[i];
        run->complaint[i] = c < ' ' || c > '~' || c == '"' || c == '\\' ? '?' : c;
    }
}

/* What follows the handle. */
static struct text answer_in(const struct packet *packet)
{
    size_t skip = handle_size(packet) + 1;
    bool there = packet->size > skip;
    return (struct text){(char *)packet->body + (there ? skip : 0), there ? packet->size - skip : 0};
}

static void check_answer(struct run *run, struct text answer)
{
    const char *expected = run->options.expected;
    if (expected == NULL || (answer.size == strlen(expected) && !memcmp(answer.data, expected, answer.size)))
        return;
    run->unexpected++;
    note_complaint(run, answer);
}

static void note_end(struct run *run, const struct packet *packet)
{
    struct job *job = find_open(run, packet);
    if (job == NULL)
        return;
    end_job(run, job);
    if (packet->type == WORK_COMPLETE) {
        run->completed++;
        check_answer(run, answer_in(packet));
    } else {
        run->failed++;
        note_complaint(run, answer_in(packet));
    }
}

static void note_refused(struct run *run, const struct packet *packet)
{
    if (run->created >= run->submitted)
        die("an ERROR that answers nothing");
    run->failed++;
    note_complaint(run, (struct text){(char *)packet->body, packet->size});
    end_job(run, &run->jobs[run->created++]);
}

static void read_packets(struct run *run)
{
    struct packet packet;
    while (link_next(&run->link, &packet)) {
        switch (packet.type) {
        case JOB_CREATED: note_created(run, &packet); break;
        case WORK_COMPLETE:
        case WORK_FAIL:
        case WORK_EXCEPTION: note_end(run, &packet); break;
        case ERROR: note_refused(run, &packet); break;
        case WORK_WARNING: note_complaint(run, answer_in(&packet)); break;
        default: break; /* progress, results */
        }
    }
}

static double patience_s(const struct run *run)
{
    bool paced = run->options.interval_s > 0 && run->submitted < run->options.count;
    double wait_s = paced ? due_s(run, 0) - now_s() : 1;
    return wait_s < 0 ? 1 : wait_s; /* overdue: the window is closed, and only an answer can open it */
}

static double publish_all(struct run *run)
{
    run->start_s = now_s();
    while (run->done < run->options.count) {
        if (is_told_to_stop && run->submitted > 0)
            run->options.count = run->submitted;
        submit_what_may(run);
        link_pump(&run->link, patience_s(run));
        read_packets(run);
        if (now_s() - run->start_s > run->options.limit_s)
            die("%zu of %zu jobs answered after %g s", run->done, run->options.count, run->options.limit_s);
    }
    return now_s() - run->start_s;
}

static int compare(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static double percentile_ms(const struct run *run, double share)
{
    return run->latencies_s[(size_t)((double)(run->done - 1) * share)] * 1e3;
}

/* A line per job, in the order of submission: its hour by the monotonic clock, and its latency, in seconds. */
static void write_log(const struct run *run)
{
    FILE *file = fopen(run->options.log, "w");
    if (file == NULL)
        die("%s cannot be written", run->options.log);
    for (size_t i = 0; i < run->done; i++)
        fprintf(file, "%.9f %.9f\n", run->jobs[i].due_s, run->jobs[i].latency_s);
    fclose(file);
}

static void print_result(struct run *run, double seconds)
{
    qsort(run->latencies_s, run->done, sizeof *run->latencies_s, compare);
    printf("{\"count\": %zu, \"completed\": %zu, \"failed\": %zu, \"unexpected\": %zu, \"seconds\": %.9f, ", run->done,
           run->completed, run->failed, run->unexpected, seconds);
    printf("\"p50_ms\": %.6f, \"p99_ms\": %.6f, \"max_ms\": %.6f, ", percentile_ms(run, 0.5),
           percentile_ms(run, 0.99), percentile_ms(run, 1));
    printf("\"complaint\": \"%s\"}\n", run->complaint);
}

int main(int argc, char **argv)
{
    static struct run run;
    run.options = parse(argc, argv);
    run.bodies = read_lines(run.options.bodies);
    if (run.options.count == 0)
        run.options.count = run.bodies.count;
    run.jobs = calloc(run.options.count, sizeof *run.jobs);
    run.latencies_s = calloc(run.options.count, sizeof *run.latencies_s);
    signal(SIGTERM, stop);
    prctl(PR_SET_TIMERSLACK, 1UL); /* nanosecond: else a paced job is 50 µs late, and its latency counts that */
    link_open(&run.link, run.options.host, run.options.port);
    double seconds = publish_all(&run);
    if (run.options.log != NULL)
        write_log(&run);
    print_result(&run, seconds);
    return 0;
}
