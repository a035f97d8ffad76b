/* RPUSH of one payload to every list of a file, over one socket, pipelined as far as Redis takes it. Every command is
 * built before the clock starts; the clock stops at the last answer. Each list must have been empty. */
#include "link.h"
#include "sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OVERHEAD_BYTES 80 /* of a command's marks and numbers, at the most */
#define FIRST ":1\r\n"    /* the answer: the list has one element now */

struct options {
    const char *host, *port, *names;
    size_t payload_bytes, sets;
    double limit_s;
};

static struct options parse(int argc, char **argv)
{
    struct options options = {.host = "127.0.0.1", .port = "6379", .payload_bytes = 100, .sets = 1, .limit_s = 120};
    for (int option; (option = getopt(argc, argv, "h:p:n:s:k:t:")) != -1;) {
        switch (option) {
        case 'h': options.host = optarg; break;
        case 'p': options.port = optarg; break;
        case 'n': options.names = optarg; break;
        case 's': options.payload_bytes = strtoul(optarg, NULL, 10); break;
        case 'k': options.sets = strtoul(optarg, NULL, 10); break;
        case 't': options.limit_s = strtod(optarg, NULL); break;
        default: die("redis_push -n FILE [-k SETS] [-h HOST] [-p PORT] [-s PAYLOAD_BYTES] [-t LIMIT_S]");
        }
    }
    if (options.names == NULL)
        die("-n FILE with the lists' names is missing");
    return options;
}

/* `data` has room enough; returns the command's size. */
static size_t write_push(char *data, struct text list, struct text payload)
{
    int head = sprintf(data, "*3\r\n$5\r\nRPUSH\r\n$%zu\r\n%s\r\n$%zu\r\n", list.size, list.data, payload.size);
    memcpy(data + head, payload.data, payload.size);
    memcpy(data + head + payload.size, "\r\n", 2);
    return (size_t)head + payload.size + 2;
}

/* Fills `out` and returns where each command ends. */
static size_t *build(struct buffer *out, struct lines names, size_t payload_bytes)
{
    size_t *ends = malloc(names.count * sizeof *ends);
    struct text payload = {malloc(payload_bytes + 1), payload_bytes};
    memset(payload.data, 'x', payload_bytes);
    for (size_t i = 0; i < names.count; i++)
        out->capacity += names.at[i].size + payload_bytes + OVERHEAD_BYTES;
    out->data = malloc(out->capacity);
    size_t end = 0;
    for (size_t i = 0; i < names.count; i++)
        ends[i] = end += write_push(out->data + end, names.at[i], payload);
    free(payload.data);
    return ends;
}

static size_t count_answers(struct buffer *in)
{
    size_t count = 0, size = strlen(FIRST);
    for (; in->end - in->start >= size; in->start += size, count++)
        if (memcmp(in->data + in->start, FIRST, size))
            die("Redis answered %.40s", in->data + in->start);
    return count;
}

static double push(struct link *link, size_t end, size_t count, double limit_s)
{
    size_t answered = 0;
    double start = now_s();
    link->out.end = end;
    while (answered < count) {
        link_pump(link, 1);
        answered += count_answers(&link->in);
        if (now_s() - start > limit_s)
            die("%zu of %zu commands answered after %g s", answered, count, limit_s);
    }
    return now_s() - start;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct lines names = read_lines(options.names);
    struct link link;
    link_open(&link, options.host, options.port);
    size_t *ends = build(&link.out, names, options.payload_bytes), count = set_size(names, options.sets);
    double *seconds = calloc(options.sets, sizeof *seconds);
    for (size_t set = 0; set < options.sets; set++)
        seconds[set] = push(&link, ends[(set + 1) * count - 1], count, options.limit_s);
    printf("{\"copies\": %zu, \"seconds\": %.9f}\n", count, median(seconds, options.sets));
    return 0;
}
