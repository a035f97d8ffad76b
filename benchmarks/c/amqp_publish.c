/* Publishes to a RabbitMQ fanout exchange whose queues have the names of a list: one message at a time, from the moment
 * at which it is handed to librabbitmq until the broker's confirmation, which comes when all queues have it.
 *
 * Queues and messages are transient: nothing is written to disk. With -d they are declared and bound first. After that
 * every queue is emptied, and must have held each message once. */
#include "link.h" /* the clock and the list of names only */
#include "sets.h"

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHANNEL 1
#define USER "guest"
#define FRAME_BYTES 131072
#define UNANSWERED 256 /* questions under way at a time */
#define TRANSIENT 1    /* delivery mode */

struct options {
    const char *host, *names, *exchange;
    int port;
    size_t payload_bytes, count;
    bool declares;
};

static struct options parse(int argc, char **argv)
{
    struct options options = {.host = "127.0.0.1", .port = 5672, .payload_bytes = 100, .count = 1, .exchange = "news"};
    for (int option; (option = getopt(argc, argv, "h:p:n:x:s:c:d")) != -1;) {
        switch (option) {
        case 'h': options.host = optarg; break;
        case 'p': options.port = atoi(optarg); break;
        case 'n': options.names = optarg; break;
        case 'x': options.exchange = optarg; break;
        case 's': options.payload_bytes = strtoul(optarg, NULL, 10); break;
        case 'c': options.count = strtoul(optarg, NULL, 10); break;
        case 'd': options.declares = true; break;
        default: die("amqp_publish -n FILE [-d] [-x EXCHANGE] [-h HOST] [-p PORT] [-s PAYLOAD_BYTES] [-c COUNT]");
        }
    }
    if (options.names == NULL || options.count == 0)
        die("-n FILE with the queues' names is missing, or -c is no number");
    return options;
}

static amqp_bytes_t bytes_of(struct text text)
{
    return (amqp_bytes_t){text.size, text.data};
}

static void check(amqp_rpc_reply_t reply, const char *what)
{
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        die("RabbitMQ: %s was refused", what);
}

static void check_status(int status, const char *what)
{
    if (status != AMQP_STATUS_OK)
        die("RabbitMQ: %s: %s", what, amqp_error_string2(status));
}

static amqp_connection_state_t connect_broker(const struct options *options)
{
    amqp_connection_state_t broker = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(broker);
    check_status(amqp_socket_open(socket, options->host, options->port), "connecting");
    check(amqp_login(broker, "/", 0, FRAME_BYTES, 0, AMQP_SASL_METHOD_PLAIN, USER, USER), "the login");
    amqp_channel_open(broker, CHANNEL);
    check(amqp_get_rpc_reply(broker), "a channel");
    return broker;
}

static void declare_queue(amqp_connection_state_t broker, struct text name, amqp_bytes_t exchange)
{
    amqp_queue_declare_t queue = {.queue = bytes_of(name), .nowait = true};
    amqp_queue_bind_t binding = {.queue = bytes_of(name), .exchange = exchange, .nowait = true};
    check_status(amqp_send_method(broker, CHANNEL, AMQP_QUEUE_DECLARE_METHOD, &queue), "a queue");
    check_status(amqp_send_method(broker, CHANNEL, AMQP_QUEUE_BIND_METHOD, &binding), "a binding");
}

static void declare_all(amqp_connection_state_t broker, struct lines names, amqp_bytes_t exchange)
{
    amqp_exchange_declare(broker, CHANNEL, exchange, amqp_cstring_bytes("fanout"), 0, 0, 0, 0, amqp_empty_table);
    check(amqp_get_rpc_reply(broker), "an exchange");
    for (size_t i = 0; i < names.count; i++)
        declare_queue(broker, names.at[i], exchange);
    amqp_queue_declare(broker, CHANNEL, bytes_of(names.at[names.count - 1]), 1, 0, 0, 0, amqp_empty_table);
    check(amqp_get_rpc_reply(broker), "the last of the queues"); /* what was sent before has been done by now */
}

static void wait_for(amqp_connection_state_t broker, amqp_method_number_t kind, amqp_method_t *answer)
{
    check_status(amqp_simple_wait_method(broker, CHANNEL, kind, answer), "waiting for an answer");
}

static double publish(amqp_connection_state_t broker, amqp_bytes_t exchange, amqp_bytes_t payload)
{
    amqp_basic_properties_t properties = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = TRANSIENT};
    amqp_method_t answer;
    amqp_maybe_release_buffers(broker);
    double start = now_s();
    check_status(amqp_basic_publish(broker, CHANNEL, exchange, amqp_empty_bytes, 0, 0, &properties, payload),
                 "publishing");
    wait_for(broker, AMQP_BASIC_ACK_METHOD, &answer);
    return now_s() - start;
}

static double publish_all(amqp_connection_state_t broker, amqp_bytes_t exchange, const struct options *options)
{
    amqp_bytes_t payload = amqp_bytes_malloc(options->payload_bytes);
    memset(payload.bytes, 'x', payload.len);
    amqp_confirm_select(broker, CHANNEL);
    check(amqp_get_rpc_reply(broker), "confirmations");
    double *seconds = calloc(options->count, sizeof *seconds);
    for (size_t i = 0; i < options->count; i++)
        seconds[i] = publish(broker, exchange, payload);
    return median(seconds, options->count);
}

static void ask_to_purge(amqp_connection_state_t broker, struct text name)
{
    amqp_queue_purge_t purge = {.queue = bytes_of(name)};
    check_status(amqp_send_method(broker, CHANNEL, AMQP_QUEUE_PURGE_METHOD, &purge), "emptying a queue");
}

static void check_purged(amqp_connection_state_t broker, size_t expected)
{
    amqp_method_t answer;
    wait_for(broker, AMQP_QUEUE_PURGE_OK_METHOD, &answer);
    size_t count = ((amqp_queue_purge_ok_t *)answer.decoded)->message_count;
    amqp_maybe_release_buffers(broker);
    if (count != expected)
        die("a queue held %zu messages instead of %zu", count, expected);
}

static void purge_all(amqp_connection_state_t broker, struct lines names, size_t expected)
{
    for (size_t asked = 0, answered = 0; answered < names.count; answered++) {
        for (; asked < names.count && asked - answered < UNANSWERED; asked++)
            ask_to_purge(broker, names.at[asked]);
        check_purged(broker, expected);
    }
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct lines names = read_lines(options.names);
    amqp_bytes_t exchange = amqp_cstring_bytes(options.exchange);
    amqp_connection_state_t broker = connect_broker(&options);
    if (options.declares)
        declare_all(broker, names, exchange);
    double seconds = publish_all(broker, exchange, &options);
    purge_all(broker, names, options.count);
    printf("{\"copies\": %zu, \"seconds\": %.9f}\n", names.count, seconds);
    return 0;
}
