#include "receivers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define NUMBER_DIGITS 10
#define EVENTS 256
#define LINGER_S 0.05 /* a copy too many would come soon after the last one */

struct options default_options(const char *port)
{
    return (struct options){.host = "127.0.0.1", .port = port, .topic = "news", .receiver_count = 100,
                            .publish_count = 300, .warm_up_count = 30, .window = 1, .payload_bytes = 100,
                            .limit_s = 120};
}

bool take_option(struct options *options, int option, const char *value)
{
    switch (option) {
    case 'h': options->host = value; return true;
    case 'p': options->port = value; return true;
    case 'T': options->topic = value; return true;
    case 'n': options->receiver_count = strtoul(value, NULL, 10); return true;
    case 'c': options->publish_count = strtoul(value, NULL, 10); return true;
    case 'u': options->warm_up_count = strtoul(value, NULL, 10); return true;
    case 'w': options->window = strtoul(value, NULL, 10); return true;
    case 's': options->payload_bytes = strtoul(value, NULL, 10); return true;
    case 't': options->limit_s = strtod(value, NULL); return true;
    default: return false;
    }
}

static void check_options(const struct options *options)
{
    if (!options->receiver_count || !options->publish_count || !options->window)
        die("no receivers, no messages or no window");
    if (options->payload_bytes < NUMBER_DIGITS)
        die("a payload has at least %d bytes, for the message's number", NUMBER_DIGITS);
}

struct run *make_run(struct options options, struct protocol protocol)
{
    check_options(&options);
    struct run *run = calloc(1, sizeof *run);
    size_t total = options.warm_up_count + options.publish_count;
    run->options = options;
    run->protocol = protocol;
    run->receivers = calloc(options.receiver_count, sizeof *run->receivers);
    run->payload = (struct text){calloc(options.payload_bytes + 1, 1), options.payload_bytes};
    run->messages = calloc(total, sizeof *run->messages);
    run->has_copy = calloc(total, options.receiver_count);
    run->noted = calloc(options.window, sizeof *run->noted);
    run->waits_to_write = calloc(options.receiver_count + 1, sizeof *run->waits_to_write);
    return run;
}

void number_payload(struct run *run, size_t number)
{
    memset(run->payload.data, 'x', run->payload.size);
    char digits[32];
    snprintf(digits, sizeof digits, "%0*zu", NUMBER_DIGITS, number);
    memcpy(run->payload.data, digits, NUMBER_DIGITS);
}

size_t number_in(const char *payload, size_t size)
{
    char digits[NUMBER_DIGITS + 1] = "";
    if (size < NUMBER_DIGITS)
        die("a copy of %zu bytes", size);
    memcpy(digits, payload, NUMBER_DIGITS);
    return strtoul(digits, NULL, 10);
}

static struct link *link_at(struct run *run, size_t index)
{
    return index == run->options.receiver_count ? &run->publisher : &run->receivers[index];
}

static void watch(struct run *run, size_t index, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (run->waits_to_write[index] ? EPOLLOUT : 0u), .data.u64 = index};
    if (epoll_ctl(run->epoll, operation, link_at(run, index)->fd, &event) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

static void watch_all(struct run *run)
{
    run->epoll = epoll_create1(0);
    for (size_t index = 0; index <= run->options.receiver_count; index++)
        watch(run, index, EPOLL_CTL_ADD);
}

static void flush(struct run *run, size_t index)
{
    struct link *link = link_at(run, index);
    if (link->out.end > link->out.start)
        link_write(link);
    bool waits = link->out.end > link->out.start;
    if (waits != run->waits_to_write[index]) {
        run->waits_to_write[index] = waits;
        watch(run, index, EPOLL_CTL_MOD);
    }
}

static void end_if_over(struct run *run, struct message *message)
{
    if (!message->missing_count && message->is_answered)
        run->over_count++;
}

void note_answer(struct run *run, size_t number)
{
    struct message *message = &run->messages[number];
    if (number >= run->published_count || message->is_answered)
        die("an answer too many, to message %zu", number);
    message->is_answered = true;
    if (run->protocol.until_answer)
        message->end_s = now_s();
    end_if_over(run, message);
}

void note_copy(struct run *run, size_t receiver, size_t number)
{
    unsigned char *has_copy = &run->has_copy[number * run->options.receiver_count + receiver];
    if (number >= run->published_count || *has_copy || run->noted_count == run->options.window)
        die("a copy too many: of message %zu, for receiver %zu", number, receiver);
    *has_copy = 1;
    run->noted[run->noted_count++] = number;
}

/* The receiver has written what says that it is done. */
static void end_noted(struct run *run)
{
    for (size_t i = 0; i < run->noted_count; i++) {
        struct message *message = &run->messages[run->noted[i]];
        if (--message->missing_count)
            continue;
        if (!run->protocol.until_answer)
            message->end_s = now_s();
        end_if_over(run, message);
    }
    run->noted_count = 0;
}

static void serve(struct run *run, size_t index, uint32_t events)
{
    bool is_publisher = index == run->options.receiver_count;
    if (events & ~(uint32_t)EPOLLOUT) {
        link_read(link_at(run, index));
        if (is_publisher)
            run->protocol.read_publisher(run);
        else
            run->protocol.read_receiver(run, index);
    }
    flush(run, index);
    end_noted(run);
}

static void serve_once(struct run *run, double limit_s)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(run->epoll, events, EVENTS, (int)(limit_s * 1000));
    if (count < 0 && errno != EINTR)
        die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++)
        serve(run, events[i].data.u64, events[i].events);
}

static void publish_what_may(struct run *run, size_t last)
{
    while (run->published_count < last && run->published_count - run->over_count < run->options.window) {
        size_t number = run->published_count++;
        run->messages[number] = (struct message){.start_s = now_s(), .missing_count = run->options.receiver_count,
                                                 .is_answered = !run->protocol.is_answered};
        number_payload(run, number);
        run->protocol.put_publish(run, number);
        flush(run, run->options.receiver_count);
    }
}

/* Until `last` messages are over, those of earlier calls included; returns the seconds that it took. */
static double publish_until(struct run *run, size_t last)
{
    double start = now_s();
    while (run->over_count < last) {
        publish_what_may(run, last);
        serve_once(run, 1);
        if (now_s() - start > run->options.limit_s)
            die("%zu of %zu messages are done after %g s", run->over_count, last, run->options.limit_s);
    }
    return now_s() - start;
}

static void linger(struct run *run)
{
    for (double end = now_s() + LINGER_S; now_s() < end;)
        serve_once(run, LINGER_S);
}

static int compare(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static void print_result(const struct run *run, double seconds)
{
    size_t count = run->options.publish_count;
    const struct message *messages = run->messages + run->options.warm_up_count;
    double *latencies_s = calloc(count, sizeof *latencies_s);
    for (size_t i = 0; i < count; i++)
        latencies_s[i] = messages[i].end_s - messages[i].start_s;
    qsort(latencies_s, count, sizeof *latencies_s, compare);
    printf("{\"p50_ms\": %.6f, ", latencies_s[(count - 1) / 2] * 1e3);
    printf("\"p99_ms\": %.6f, ", latencies_s[(size_t)((double)(count - 1) * 0.99)] * 1e3);
    printf("\"seconds\": %.9f, \"deliveries\": %zu}\n", seconds, count * run->options.receiver_count);
}

void run_and_print(struct run *run)
{
    watch_all(run);
    publish_until(run, run->options.warm_up_count);
    double seconds = publish_until(run, run->options.warm_up_count + run->options.publish_count);
    linger(run);
    print_result(run, seconds);
}
