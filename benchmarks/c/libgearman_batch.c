/* libgearman's own way to send many jobs: gearman_client_add_task_background for each queue, then run_tasks.
 *
 * As it comes, libgearman keeps finished tasks in the list that it walks, and the time is quadratic in their number.
 * With -f it frees each when it is confirmed (GEARMAN_CLIENT_FREE_TASKS), as a user who has read that far would do. */
#include "link.h" /* the clock and the list of names only */

#include <libgearman/gearman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    const char *host, *names;
    in_port_t port;
    size_t payload_bytes;
    double limit_s;
    bool frees_tasks;
};

static struct options parse(int argc, char **argv)
{
    struct options options = {.host = "127.0.0.1", .port = 4730, .payload_bytes = 100, .limit_s = 120};
    for (int option; (option = getopt(argc, argv, "h:p:n:s:t:f")) != -1;) {
        switch (option) {
        case 'h': options.host = optarg; break;
        case 'p': options.port = (in_port_t)strtoul(optarg, NULL, 10); break;
        case 'n': options.names = optarg; break;
        case 's': options.payload_bytes = strtoul(optarg, NULL, 10); break;
        case 't': options.limit_s = strtod(optarg, NULL); break;
        case 'f': options.frees_tasks = true; break;
        default: die("libgearman_batch -n FILE [-f] [-h HOST] [-p PORT] [-s PAYLOAD_BYTES] [-t LIMIT_S]");
        }
    }
    if (options.names == NULL)
        die("-n FILE with the queues' names is missing");
    return options;
}

static size_t confirmed;

static gearman_return_t count_confirmation(gearman_task_st *task)
{
    (void)task;
    confirmed++;
    return GEARMAN_SUCCESS;
}

static gearman_client_st *connect_client(const struct options *options)
{
    gearman_client_st *client = gearman_client_create(NULL);
    if (client == NULL || gearman_failed(gearman_client_add_server(client, options->host, options->port)))
        die("libgearman: no client for %s:%u", options->host, options->port);
    gearman_client_set_created_fn(client, count_confirmation);
    if (options->frees_tasks)
        gearman_client_add_options(client, GEARMAN_CLIENT_FREE_TASKS);
    gearman_client_set_timeout(client, (int)(options->limit_s * 1000));
    char probe[] = "connected?"; /* so that connecting is outside the time, as in the other programs */
    if (gearman_failed(gearman_client_echo(client, probe, sizeof probe)))
        die("libgearman: %s", gearman_client_error(client));
    return client;
}

/* Without a unique key, as in the other programs; libgearman then makes a UUID for every job by itself. */
static void add_tasks(gearman_client_st *client, struct lines names, const char *payload, size_t size)
{
    gearman_return_t wrong;
    for (size_t i = 0; i < names.count; i++)
        if (!gearman_client_add_task_background(client, NULL, NULL, names.at[i].data, NULL, payload, size, &wrong))
            die("libgearman: %s", gearman_strerror(wrong));
}

static double send_batch(gearman_client_st *client, struct lines names, const char *payload, size_t size)
{
    double start = now_s();
    add_tasks(client, names, payload, size);
    if (gearman_failed(gearman_client_run_tasks(client)))
        die("libgearman: %s, %zu copies confirmed", gearman_client_error(client), confirmed);
    return now_s() - start;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct lines names = read_lines(options.names);
    char *payload = malloc(options.payload_bytes + 1);
    memset(payload, 'x', options.payload_bytes);
    gearman_client_st *client = connect_client(&options);
    double seconds = send_batch(client, names, payload, options.payload_bytes);
    printf("{\"copies\": %zu, \"seconds\": %.9f}\n", confirmed, seconds);
    return 0;
}
