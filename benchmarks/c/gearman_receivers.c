/* Workers of one queue each, and a publisher: of `fanout` jobs, or, as the limit, of a raw foreground job to every
 * queue. The workers sleep while their queue is empty, as PRE_SLEEP and NOOP want it, and grab several jobs at once. */
#include "receivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HANDLE_BYTES 128
#define ANSWER "done"

enum mode { BACKGROUND, FOREGROUND, RESULTS, RAW, MODES };

static const char *const MODE_NAMES[MODES] = {"background", "foreground", "results", "raw"};
static const char *const MODE_KEYS[MODES] = {", \"background\": true", ", \"background\": false",
                                             ", \"results\": true", NULL};

struct worker {
    size_t grab_count; /* grabs that are not answered yet */
    bool is_dry;       /* one of them was answered with NO_JOB */
};

static struct {
    enum mode mode;
    size_t grabs;
    struct lines queues;
    struct worker *workers;
    char (*handles)[HANDLE_BYTES]; /* of each message's job, in the order of submission */
    size_t created_count, completed_count, results_count;
} gearman = {.mode = BACKGROUND, .grabs = 2};

static void put_packet(struct buffer *out, enum packet_type type, const char *data, size_t size)
{
    put_header(out, type, size);
    put_bytes(out, data, size);
}

static void put_complete(struct buffer *out, const char *handle, size_t size)
{
    put_header(out, WORK_COMPLETE, size + 1 + strlen(ANSWER));
    put_bytes(out, handle, size);
    put_bytes(out, "\0" ANSWER, 1 + strlen(ANSWER));
}

/* The data is `handle NUL function NUL unique NUL payload`. */
static void complete(struct run *run, size_t receiver, const struct packet *packet)
{
    const char *end = packet->body + packet->size, *payload = packet->body;
    for (int i = 0; i < 3; i++)
        payload = (const char *)memchr(payload, 0, (size_t)(end - payload)) + 1;
    note_copy(run, receiver, number_in(payload, (size_t)(end - payload)));
    put_complete(&run->receivers[receiver].out, packet->body, strlen(packet->body));
}

/* A grab after PRE_SLEEP would cancel the wake-up: so it sleeps only when no grab is open. */
static void grab_or_sleep(struct worker *worker, struct buffer *out)
{
    if (!worker->is_dry) {
        for (; worker->grab_count < gearman.grabs; worker->grab_count++)
            put_packet(out, GRAB_JOB_UNIQ, "", 0);
    } else if (!worker->grab_count) {
        put_packet(out, PRE_SLEEP, "", 0);
    }
}

static void read_worker(struct run *run, size_t receiver)
{
    struct worker *worker = &gearman.workers[receiver];
    struct packet packet;
    while (link_next(&run->receivers[receiver], &packet)) {
        switch (packet.type) {
        case NOOP: worker->is_dry = false; break;
        case NO_JOB: worker->grab_count--, worker->is_dry = true; break;
        case JOB_ASSIGN_UNIQ: worker->grab_count--, complete(run, receiver, &packet); break;
        default: die("a worker got a packet of type %u", packet.type);
        }
    }
    grab_or_sleep(worker, &run->receivers[receiver].out);
}

static void put_fanout(struct run *run, size_t number)
{
    (void)number;
    static char body[64 * 1024];
    int size = snprintf(body, sizeof body, "{\"topic\": \"%s\", \"payload\": \"%.*s\"%s}", run->options.topic,
                        (int)run->payload.size, run->payload.data, MODE_KEYS[gearman.mode]);
    if (size >= (int)sizeof body)
        die("a payload of %zu bytes is too long", run->payload.size);
    put_submit(&run->publisher.out, SUBMIT_JOB, (struct text){"fanout", 6}, (struct text){body, (size_t)size});
}

static void put_copies(struct run *run, size_t number)
{
    (void)number;
    for (size_t i = 0; i < gearman.queues.count; i++)
        put_submit(&run->publisher.out, SUBMIT_JOB, gearman.queues.at[i], run->payload);
}

/* Raw jobs need no handles: only one message is under way, and all of its copies must be completed. */
static void note_created(const struct packet *packet)
{
    if (gearman.mode == RAW)
        return;
    if (packet->size >= HANDLE_BYTES)
        die("a handle of %zu bytes", packet->size);
    memcpy(gearman.handles[gearman.created_count++], packet->body, packet->size);
}

static size_t find_message(const struct run *run, const struct packet *packet)
{
    for (size_t number = gearman.created_count; number-- > 0;)
        if (!run->messages[number].is_answered && !strcmp(gearman.handles[number], packet->body))
            return number;
    die("an answer to no job: %s", packet->body);
}

static void check_answer(const struct run *run, const struct packet *packet)
{
    size_t skip = strlen(packet->body) + 1;
    char answer[32];
    snprintf(answer, sizeof answer, "%.*s", (int)(packet->size - skip), packet->body + skip);
    if (strtoul(answer, NULL, 10) != run->options.receiver_count)
        die("a fanout was answered with %s", answer);
    size_t results_count = gearman.mode == RESULTS ? run->options.receiver_count : 0;
    if (gearman.results_count != results_count)
        die("a fanout gave %zu results", gearman.results_count);
    gearman.results_count = 0;
}

static void note_completed(struct run *run, const struct packet *packet)
{
    if (gearman.mode != RAW) {
        check_answer(run, packet);
        note_answer(run, find_message(run, packet));
    } else if (++gearman.completed_count % run->options.receiver_count == 0) {
        note_answer(run, gearman.completed_count / run->options.receiver_count - 1);
    }
}

static void read_answers(struct run *run)
{
    struct packet packet;
    while (link_next(&run->publisher, &packet)) {
        switch (packet.type) {
        case JOB_CREATED: note_created(&packet); break;
        case WORK_COMPLETE: note_completed(run, &packet); break;
        case WORK_DATA: gearman.results_count++; break;
        case WORK_STATUS: break;
        default: die("the publisher got a packet of type %u: %.*s", packet.type, (int)packet.size, packet.body);
        }
    }
}

static void wait_for_echo(struct link *link)
{
    struct packet packet;
    put_packet(&link->out, ECHO_REQ, "", 0);
    while (!link_next(link, &packet))
        link_pump(link, 1);
    if (packet.type != ECHO_RES)
        die("a queue is not empty before the first message, or not ready: packet of type %u", packet.type);
}

/* One after the other, each answered before the next one: gearmand's backlog is 32. */
static void open_links(struct run *run)
{
    link_open(&run->publisher, run->options.host, run->options.port);
    for (size_t i = 0; i < gearman.queues.count; i++) {
        struct link *link = &run->receivers[i];
        link_open(link, run->options.host, run->options.port);
        put_packet(&link->out, CAN_DO, gearman.queues.at[i].data, gearman.queues.at[i].size);
        put_packet(&link->out, PRE_SLEEP, "", 0);
        wait_for_echo(link);
        gearman.workers[i].is_dry = true;
    }
}

static enum mode find_mode(const char *name)
{
    for (int mode = 0; mode < MODES; mode++)
        if (!strcmp(name, MODE_NAMES[mode]))
            return (enum mode)mode;
    die("there is no mode %s", name);
}

static struct options parse(int argc, char **argv)
{
    struct options options = default_options("4730");
    for (int option; (option = getopt(argc, argv, RECEIVERS_OPTIONS "q:m:g:")) != -1;) {
        if (take_option(&options, option, optarg))
            continue;
        switch (option) {
        case 'q': gearman.queues = read_lines(optarg); break;
        case 'm': gearman.mode = find_mode(optarg); break;
        case 'g': gearman.grabs = strtoul(optarg, NULL, 10); break;
        default:
            die("gearman_receivers -q FILE [-m background|foreground|results|raw] [-g GRABS] " RECEIVERS_USAGE
                "\n-n is the number of lines in FILE, the queues' names");
        }
    }
    if (!gearman.queues.count || !gearman.grabs)
        die("-q FILE with the queues' names is missing, or -g is 0");
    if (options.window > 1 && gearman.mode >= RESULTS)
        die("results and raw go with a window of 1 only");
    options.receiver_count = gearman.queues.count;
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct protocol protocol = {.put_publish = gearman.mode == RAW ? put_copies : put_fanout,
                                .read_publisher = read_answers, .read_receiver = read_worker,
                                .is_answered = true, .until_answer = gearman.mode != BACKGROUND};
    struct run *run = make_run(options, protocol);
    gearman.workers = calloc(options.receiver_count, sizeof *gearman.workers);
    gearman.handles = calloc(options.warm_up_count + options.publish_count, sizeof *gearman.handles);
    open_links(run);
    run_and_print(run);
    return 0;
}
