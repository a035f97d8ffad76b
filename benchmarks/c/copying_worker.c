/* The limit of a worker: takes `fanout` jobs, sends the payload of each to every queue of a list that it was given at
 * its start, and completes the job with their number when the server has confirmed them all. One thread, two
 * connections, many grabs in flight, nothing checked, nothing looked up. Runs until it is killed.
 *
 * With -k the list is so many sets of equal size, and each job goes to the next one. */
#define _GNU_SOURCE /* memmem */
#include "link.h"
#include "sets.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HANDLE_BYTES 64
#define HELD_MOST 65536 /* a power of two */
#define FUNCTION "fanout"
#define PAYLOAD_MARK "\"payload\": \""

struct options {
    const char *host, *port, *names;
    size_t grabs, sets;
};

struct job {
    char handle[HANDLE_BYTES];
    size_t last_copy; /* done when so many copies were confirmed in all */
};

struct run {
    struct options options;
    struct lines names;
    struct link worker, client;
    struct job *held; /* a ring: the server confirms in the order of submission */
    size_t copies_per_job, taken, completed, sent, confirmed, open_grabs;
    bool found_nothing, asleep;
};

static struct options parse(int argc, char **argv)
{
    struct options options = {.host = "127.0.0.1", .port = "4730", .grabs = 64, .sets = 1};
    for (int option; (option = getopt(argc, argv, "h:p:n:g:k:")) != -1;) {
        switch (option) {
        case 'h': options.host = optarg; break;
        case 'p': options.port = optarg; break;
        case 'n': options.names = optarg; break;
        case 'g': options.grabs = strtoul(optarg, NULL, 10); break;
        case 'k': options.sets = strtoul(optarg, NULL, 10); break;
        default: die("copying_worker -n FILE [-h HOST] [-p PORT] [-g GRABS] [-k SETS]");
        }
    }
    if (options.names == NULL)
        die("-n FILE with the queues' names is missing");
    return options;
}

static void grab(struct run *run)
{
    for (; run->open_grabs < run->options.grabs; run->open_grabs++)
        put_header(&run->worker.out, GRAB_JOB_UNIQ, 0);
}

/* The text between the mark and the next quotation mark: the payloads of benchmarks have nothing to unescape. */
static struct text find_payload(const char *body, size_t size)
{
    char *start = memmem(body, size, PAYLOAD_MARK, strlen(PAYLOAD_MARK));
    if (start == NULL)
        die("a fanout without a payload");
    start += strlen(PAYLOAD_MARK);
    char *end = memchr(start, '"', (size_t)(body + size - start));
    if (end == NULL)
        die("a payload without an end");
    return (struct text){start, (size_t)(end - start)};
}

static void take_job(struct run *run, const struct packet *packet)
{
    const struct text *queues = run->names.at + run->taken % run->options.sets * run->copies_per_job;
    struct job *job = &run->held[run->taken++ % HELD_MOST];
    size_t handle_size = strlen(packet->body) + 1; /* NULs part handle, function, unique key and payload */
    if (handle_size > HANDLE_BYTES || run->taken - run->completed > HELD_MOST)
        die("a handle that is too long, or too many jobs at a time");
    memcpy(job->handle, packet->body, handle_size);
    struct text payload = find_payload(packet->body + handle_size, packet->size - handle_size);
    for (size_t i = 0; i < run->copies_per_job; i++)
        put_submit(&run->client.out, SUBMIT_JOB_BG, queues[i], payload);
    run->sent += run->copies_per_job;
    job->last_copy = run->sent;
}

static void complete_jobs(struct run *run)
{
    char answer[HANDLE_BYTES + 24];
    for (; run->completed < run->taken; run->completed++) {
        struct job *job = &run->held[run->completed % HELD_MOST];
        if (job->last_copy > run->confirmed)
            return;
        size_t size = (size_t)sprintf(answer, "%s%c%zu", job->handle, 0, run->copies_per_job);
        put_header(&run->worker.out, WORK_COMPLETE, size);
        put_bytes(&run->worker.out, answer, size);
    }
}

/* A grab while asleep would cancel the wake-up, so all grabs are answered before the worker goes to sleep. */
static void grab_or_sleep(struct run *run)
{
    if (!run->found_nothing && !run->asleep) {
        grab(run);
    } else if (run->open_grabs == 0 && !run->asleep) {
        put_header(&run->worker.out, PRE_SLEEP, 0);
        run->found_nothing = false;
        run->asleep = true;
    }
}

static void read_jobs(struct run *run)
{
    struct packet packet;
    while (link_next(&run->worker, &packet)) {
        switch (packet.type) {
        case JOB_ASSIGN_UNIQ: run->open_grabs--; take_job(run, &packet); break;
        case NO_JOB: run->open_grabs--; run->found_nothing = true; break;
        case NOOP: run->asleep = false; break;
        default: die("the server sent a packet of type %u", packet.type);
        }
    }
    grab_or_sleep(run);
}

static void read_confirmations(struct run *run)
{
    struct packet packet;
    for (; link_next(&run->client, &packet); run->confirmed++)
        if (packet.type != JOB_CREATED)
            die("packet of type %u instead of JOB_CREATED", packet.type);
    complete_jobs(run);
}

static short write_what_goes(struct link *link)
{
    if (link->out.end > link->out.start)
        link_write(link);
    return (short)(POLLIN | (link->out.end > link->out.start ? POLLOUT : 0));
}

static void serve(struct run *run)
{
    struct pollfd wait[] = {{.fd = run->worker.fd}, {.fd = run->client.fd}};
    for (;;) {
        wait[0].events = write_what_goes(&run->worker);
        wait[1].events = write_what_goes(&run->client);
        if (poll(wait, 2, -1) < 0 && errno != EINTR)
            die("polling: %s", strerror(errno));
        if (wait[1].revents & ~POLLOUT) {
            link_read(&run->client);
            read_confirmations(run);
        }
        if (wait[0].revents & ~POLLOUT) {
            link_read(&run->worker);
            read_jobs(run);
        }
    }
}

int main(int argc, char **argv)
{
    static struct run run;
    run.options = parse(argc, argv);
    run.names = read_lines(run.options.names);
    run.copies_per_job = set_size(run.names, run.options.sets);
    run.held = calloc(HELD_MOST, sizeof *run.held);
    link_open(&run.worker, run.options.host, run.options.port);
    link_open(&run.client, run.options.host, run.options.port);
    put_header(&run.worker.out, CAN_DO, strlen(FUNCTION));
    put_bytes(&run.worker.out, FUNCTION, strlen(FUNCTION));
    grab(&run);
    serve(&run);
}
