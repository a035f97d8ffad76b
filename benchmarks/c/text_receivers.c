/* Subscribers of Redis pub/sub or of NATS, and a publisher. Neither server keeps a message for who is away, and no
 * subscriber says that it has one: a receiver is done when it has read its copy. */
#include "receivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_BYTES 512

enum server { REDIS, NATS, SERVERS };

static const char *const SERVER_NAMES[SERVERS] = {"redis", "nats"};

static struct {
    enum server server;
    char delivery[TEXT_BYTES]; /* what stands before the payload of each copy; after it comes a CR LF */
    char publish[TEXT_BYTES];  /* the same, of what is published */
    char taken[TEXT_BYTES];    /* Redis' answer to it: how many have got it */
    size_t taken_count;
} text;

static void put_text(struct buffer *out, const char *words)
{
    put_bytes(out, words, strlen(words));
}

static bool take_text(struct buffer *in, const char *words)
{
    size_t size = strlen(words);
    if (in->end - in->start < size || memcmp(in->data + in->start, words, size))
        return false;
    in->start += size;
    return true;
}

/* NATS asks now and then who is there. */
static bool take_ping(struct link *link)
{
    if (text.server != NATS || !take_text(&link->in, "PING\r\n"))
        return false;
    put_text(&link->out, "PONG\r\n");
    return true;
}

static bool take_copy(struct run *run, size_t receiver)
{
    struct buffer *in = &run->receivers[receiver].in;
    size_t size = run->options.payload_bytes;
    if (in->end - in->start < strlen(text.delivery) + size + 2)
        return false;
    if (!take_text(in, text.delivery))
        die("a receiver got %.40s", in->data + in->start);
    note_copy(run, receiver, number_in(in->data + in->start, size));
    in->start += size + 2;
    return true;
}

static void read_copies(struct run *run, size_t receiver)
{
    while (take_ping(&run->receivers[receiver]) || take_copy(run, receiver))
        ;
}

static void put_publish(struct run *run, size_t number)
{
    (void)number;
    put_text(&run->publisher.out, text.publish);
    put_bytes(&run->publisher.out, run->payload.data, run->payload.size);
    put_text(&run->publisher.out, "\r\n");
}

static void read_answers(struct run *run)
{
    struct buffer *in = &run->publisher.in;
    while (take_ping(&run->publisher))
        ;
    while (text.server == REDIS && take_text(in, text.taken))
        note_answer(run, text.taken_count++);
    if (in->end - in->start >= strlen(text.taken))
        die("the publisher got %.*s", (int)(in->end - in->start), in->data + in->start);
}

static void write_texts(const struct options *options)
{
    const char *topic = options->topic;
    size_t size = options->payload_bytes;
    if (text.server == REDIS) {
        snprintf(text.delivery, TEXT_BYTES, "*3\r\n$7\r\nmessage\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(topic), topic, size);
        snprintf(text.publish, TEXT_BYTES, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(topic), topic, size);
        snprintf(text.taken, TEXT_BYTES, ":%zu\r\n", options->receiver_count);
    } else {
        snprintf(text.delivery, TEXT_BYTES, "MSG %s 1 %zu\r\n", topic, size);
        snprintf(text.publish, TEXT_BYTES, "PUB %s %zu\r\n", topic, size);
        snprintf(text.taken, TEXT_BYTES, "PING\r\n"); /* nothing but this comes, and that was taken */
    }
}

/* Says `words` on a new connection, and reads on until `end` has come. */
static void open_link(struct link *link, const struct options *options, const char *words, const char *end)
{
    link_open(link, options->host, options->port);
    put_text(&link->out, words);
    struct buffer *in = &link->in;
    size_t size = strlen(end);
    while (in->end < size || memcmp(in->data + in->end - size, end, size))
        link_pump(link, 1);
    in->start = in->end;
}

static void open_links(struct run *run)
{
    const struct options *options = &run->options;
    char subscribe[TEXT_BYTES];
    const char *hello = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
    if (text.server == REDIS)
        snprintf(subscribe, sizeof subscribe, "SUBSCRIBE %s\r\n", options->topic);
    else
        snprintf(subscribe, sizeof subscribe, "%sSUB %s 1\r\nPING\r\n", hello, options->topic);
    for (size_t i = 0; i < options->receiver_count; i++)
        open_link(&run->receivers[i], options, subscribe, text.server == REDIS ? ":1\r\n" : "PONG\r\n");
    snprintf(subscribe, sizeof subscribe, "%sPING\r\n", text.server == REDIS ? "" : hello);
    open_link(&run->publisher, options, subscribe, "PONG\r\n");
}

static enum server find_server(const char *name)
{
    for (int server = 0; server < SERVERS; server++)
        if (!strcmp(name, SERVER_NAMES[server]))
            return (enum server)server;
    die("there is no server %s", name);
}

static struct options parse(int argc, char **argv)
{
    struct options options = default_options("6379");
    for (int option; (option = getopt(argc, argv, RECEIVERS_OPTIONS "k:")) != -1;) {
        if (option == 'k')
            text.server = find_server(optarg);
        else if (!take_option(&options, option, optarg))
            die("text_receivers -k redis|nats " RECEIVERS_USAGE);
    }
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct protocol protocol = {.put_publish = put_publish, .read_publisher = read_answers,
                                .read_receiver = read_copies, .is_answered = text.server == REDIS};
    struct run *run = make_run(options, protocol);
    write_texts(&options);
    open_links(run);
    run_and_print(run);
    return 0;
}
