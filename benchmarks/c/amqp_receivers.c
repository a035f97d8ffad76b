/* Consumers of a queue each, bound to one fanout exchange, and a publisher. Messages are transient and queues
 * exclusive; each copy is acknowledged by itself, those that were read at once with one write.
 *
 * librabbitmq opens the connections. From then on frames are read and written here, because it reads one connection
 * at a time. Their layout is that of the AMQP 0-9-1 specification, chapters 2.3 and 4.2: type, channel, size, that
 * many bytes, and an end mark; numbers with their high byte first. */
#include "receivers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHANNEL 1
#define FRAME_HEADER_BYTES 7
#define FRAME_END "\xce"
#define FRAME_MAX 131072
#define BASIC_PUBLISH "\0\x3c\0\x28"
#define BASIC_DELIVER "\0\x3c\0\x3c"
#define BASIC_ACK "\0\x3c\0\x50"
#define BASIC "\0\x3c"

struct frame {
    unsigned char type;
    const char *body;
    size_t size;
};

static uint64_t *tags; /* of each receiver's copy at hand */

static void put_number(struct buffer *out, uint64_t number, int bytes)
{
    while (bytes-- > 0) {
        unsigned char byte = (unsigned char)(number >> (8 * bytes));
        put_bytes(out, &byte, 1);
    }
}

static uint64_t number_at(const char *data, int bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++)
        number = number << 8 | (unsigned char)data[i];
    return number;
}

static void put_frame_header(struct buffer *out, int type, size_t size)
{
    put_number(out, (uint64_t)type, 1);
    put_number(out, CHANNEL, 2);
    put_number(out, size, 4);
}

static bool next_frame(struct buffer *in, struct frame *frame)
{
    const char *data = in->data + in->start;
    size_t there = in->end - in->start;
    if (there < FRAME_HEADER_BYTES)
        return false;
    *frame = (struct frame){(unsigned char)data[0], data + FRAME_HEADER_BYTES, number_at(data + 3, 4)};
    size_t whole = FRAME_HEADER_BYTES + frame->size + 1;
    if (there < whole)
        return false;
    if (data[whole - 1] != FRAME_END[0])
        die("a frame without its end");
    in->start += whole;
    return true;
}

/* Exchange, no routing key, none of the bits; a header without properties: a message without a delivery mode is
 * transient. */
static void put_publish(struct run *run, size_t number)
{
    (void)number;
    struct buffer *out = &run->publisher.out;
    size_t name_size = strlen(run->options.topic);
    put_frame_header(out, AMQP_FRAME_METHOD, 4 + 2 + 1 + name_size + 1 + 1);
    put_bytes(out, BASIC_PUBLISH "\0\0", 6);
    put_number(out, name_size, 1);
    put_bytes(out, run->options.topic, name_size);
    put_bytes(out, "\0\0" FRAME_END, 3);
    put_frame_header(out, AMQP_FRAME_HEADER, 2 + 2 + 8 + 2);
    put_bytes(out, BASIC "\0\0", 4);
    put_number(out, run->payload.size, 8);
    put_bytes(out, "\0\0" FRAME_END, 3);
    put_frame_header(out, AMQP_FRAME_BODY, run->payload.size);
    put_bytes(out, run->payload.data, run->payload.size);
    put_bytes(out, FRAME_END, 1);
}

static void put_ack(struct buffer *out, uint64_t tag)
{
    put_frame_header(out, AMQP_FRAME_METHOD, 4 + 8 + 1);
    put_bytes(out, BASIC_ACK, 4);
    put_number(out, tag, 8);
    put_bytes(out, "\0" FRAME_END, 2);
}

/* The tag stands behind the consumer's name. */
static void note_delivery(size_t receiver, const struct frame *frame)
{
    if (memcmp(frame->body, BASIC_DELIVER, 4))
        die("a receiver got method %u.%u", (unsigned)number_at(frame->body, 2), (unsigned)number_at(frame->body + 2, 2));
    tags[receiver] = number_at(frame->body + 5 + (unsigned char)frame->body[4], 8);
}

static void read_copies(struct run *run, size_t receiver)
{
    struct link *link = &run->receivers[receiver];
    struct frame frame;
    while (next_frame(&link->in, &frame)) {
        if (frame.type == AMQP_FRAME_METHOD)
            note_delivery(receiver, &frame);
        if (frame.type != AMQP_FRAME_BODY)
            continue;
        note_copy(run, receiver, number_in(frame.body, frame.size));
        put_ack(&link->out, tags[receiver]);
    }
}

static void read_publisher(struct run *run)
{
    struct frame frame;
    while (next_frame(&run->publisher.in, &frame))
        die("the publisher got a frame of type %d", frame.type);
}

static void check(amqp_connection_state_t connection, const char *what)
{
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(connection);
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
        die("%s: %s", what, amqp_error_string2(reply.library_error));
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        die("%s was refused", what);
}

static amqp_connection_state_t open_connection(const struct options *options)
{
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    int wrong = amqp_socket_open(socket, options->host, atoi(options->port));
    if (wrong)
        die("%s:%s: %s", options->host, options->port, amqp_error_string2(wrong));
    amqp_rpc_reply_t reply =
        amqp_login(connection, "/", 0, FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        die("the broker did not let us in");
    amqp_channel_open(connection, CHANNEL);
    check(connection, "channel.open");
    return connection;
}

/* Without a name the broker invents one. */
static void consume(amqp_connection_state_t connection, const struct options *options)
{
    amqp_bytes_t none = amqp_empty_bytes, exchange = amqp_cstring_bytes(options->topic);
    amqp_queue_declare_ok_t *queue = amqp_queue_declare(connection, CHANNEL, none, 0, 0, 1, 1, amqp_empty_table);
    check(connection, "queue.declare");
    amqp_bytes_t name = amqp_bytes_malloc_dup(queue->queue);
    amqp_queue_bind(connection, CHANNEL, name, exchange, none, amqp_empty_table);
    check(connection, "queue.bind");
    amqp_basic_consume(connection, CHANNEL, name, none, 0, 0, 0, amqp_empty_table);
    check(connection, "basic.consume");
    amqp_bytes_free(name);
}

/* The library has nothing left of what it read: nothing is published yet. */
static struct link take_over(amqp_connection_state_t connection)
{
    if (amqp_data_in_buffer(connection) || amqp_frames_enqueued(connection))
        die("the broker said something that nobody had asked for");
    struct link link = {.fd = amqp_get_sockfd(connection)};
    fcntl(link.fd, F_SETFL, O_NONBLOCK);
    return link;
}

static void open_links(struct run *run)
{
    const struct options *options = &run->options;
    amqp_bytes_t exchange = amqp_cstring_bytes(options->topic), kind = amqp_cstring_bytes("fanout");
    amqp_connection_state_t publisher = open_connection(options);
    amqp_exchange_declare(publisher, CHANNEL, exchange, kind, 0, 0, 0, 0, amqp_empty_table);
    check(publisher, "exchange.declare");
    run->publisher = take_over(publisher);
    for (size_t i = 0; i < options->receiver_count; i++) {
        amqp_connection_state_t connection = open_connection(options);
        consume(connection, options);
        run->receivers[i] = take_over(connection);
    }
}

static struct options parse(int argc, char **argv)
{
    struct options options = default_options("5672");
    for (int option; (option = getopt(argc, argv, RECEIVERS_OPTIONS)) != -1;)
        if (!take_option(&options, option, optarg))
            die("amqp_receivers " RECEIVERS_USAGE);
    return options;
}

int main(int argc, char **argv)
{
    struct protocol protocol = {
        .put_publish = put_publish, .read_publisher = read_publisher, .read_receiver = read_copies};
    struct run *run = make_run(parse(argc, argv), protocol);
    tags = calloc(run->options.receiver_count, sizeof *tags);
    open_links(run);
    run_and_print(run);
    return 0;
}
