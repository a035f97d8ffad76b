/* The physical limit: SUBMIT_JOB_BG of one payload to every queue of a list, over one socket, as fast as the server
 * takes them. Every packet is built before the clock starts; the clock stops at the last confirmation.
 *
 * With -k the list is so many sets of equal size, one after the other; the median of their times is told. */
#include "link.h"
#include "sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    const char *host, *port, *names;
    size_t payload_bytes, window, sets; /* window 0: no bound on unconfirmed copies */
    double limit_s;
};

static struct options parse(int argc, char **argv)
{
    struct options options = {.host = "127.0.0.1", .port = "4730", .payload_bytes = 100, .sets = 1, .limit_s = 120};
    for (int option; (option = getopt(argc, argv, "h:p:n:s:w:k:t:")) != -1;) {
        switch (option) {
        case 'h': options.host = optarg; break;
        case 'p': options.port = optarg; break;
        case 'n': options.names = optarg; break;
        case 's': options.payload_bytes = strtoul(optarg, NULL, 10); break;
        case 'w': options.window = strtoul(optarg, NULL, 10); break;
        case 'k': options.sets = strtoul(optarg, NULL, 10); break;
        case 't': options.limit_s = strtod(optarg, NULL); break;
        default: die("blast -n FILE [-h HOST] [-p PORT] [-s PAYLOAD_BYTES] [-w WINDOW] [-k SETS] [-t LIMIT_S]");
        }
    }
    if (options.names == NULL)
        die("-n FILE with the queues' names is missing");
    return options;
}

/* Fills `out` and returns where each packet ends. */
static size_t *build(struct buffer *out, struct lines names, size_t payload_bytes)
{
    size_t *ends = malloc(names.count * sizeof *ends);
    struct text payload = {malloc(payload_bytes + 1), payload_bytes};
    memset(payload.data, 'x', payload_bytes);
    for (size_t i = 0; i < names.count; i++) {
        put_submit(out, SUBMIT_JOB_BG, names.at[i], payload);
        ends[i] = out->end;
    }
    free(payload.data);
    return ends;
}

static size_t count_confirmations(struct link *link)
{
    size_t count = 0;
    struct packet packet;
    while (link_next(link, &packet)) {
        if (packet.type != JOB_CREATED)
            die("packet of type %u instead of JOB_CREATED", packet.type);
        count++;
    }
    return count;
}

/* The `count` copies from number `first` on. */
static double blast(struct link *link, const size_t *ends, size_t first, size_t count, const struct options *options)
{
    size_t confirmed = 0;
    double start = now_s();
    while (confirmed < count) {
        size_t allowed = options->window ? confirmed + options->window : count;
        link->out.end = ends[first + (allowed < count ? allowed : count) - 1];
        link_pump(link, 1);
        confirmed += count_confirmations(link);
        if (now_s() - start > options->limit_s)
            die("%zu of %zu copies confirmed after %g s", confirmed, count, options->limit_s);
    }
    return now_s() - start;
}

/* One job that is not counted: what is done once on a connection is not measured. */
static void warm_up(struct link *link)
{
    struct text nothing = {"", 0}, queue = {"warm-up", 7};
    put_submit(&link->out, SUBMIT_JOB_BG, queue, nothing);
    while (count_confirmations(link) == 0)
        link_pump(link, 1);
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct lines names = read_lines(options.names);
    struct link link;
    link_open(&link, options.host, options.port);
    warm_up(&link);
    link.out = (struct buffer){0};
    size_t *ends = build(&link.out, names, options.payload_bytes), count = set_size(names, options.sets);
    double *seconds = calloc(options.sets, sizeof *seconds), started_s = now_s();
    for (size_t set = 0; set < options.sets; set++)
        seconds[set] = blast(&link, ends, set * count, count, &options);
    printf("{\"copies\": %zu, \"seconds\": %.9f, ", count, median(seconds, options.sets));
    printf("\"started_s\": %.9f, \"ended_s\": %.9f}\n", started_s, now_s());
    return 0;
}
