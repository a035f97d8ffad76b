/* One publisher and many receivers, each with a connection of its own, in one program: one epoll, one clock. It
 * publishes numbered messages and knows when each of them is done by all. The programs say what goes over the wires. */
#ifndef RECEIVERS_H
#define RECEIVERS_H

#include "link.h"

#define RECEIVERS_OPTIONS "h:p:T:n:c:u:w:s:t:"
#define RECEIVERS_USAGE \
    "[-h HOST] [-p PORT] [-T TOPIC] [-n RECEIVERS] [-c COUNT] [-u WARM_UP_COUNT] [-w WINDOW] [-s PAYLOAD_BYTES]" \
    " [-t LIMIT_S]"

struct options {
    const char *host, *port, *topic;
    size_t receiver_count, publish_count, warm_up_count;
    size_t window; /* messages under way at a time */
    size_t payload_bytes;
    double limit_s;
};

struct run;

struct protocol {
    void (*put_publish)(struct run *run, size_t number); /* appends to the publisher's `out` */
    void (*read_publisher)(struct run *run);             /* what came for it: calls note_answer */
    void (*read_receiver)(struct run *run, size_t receiver); /* appends to its `out`, calls note_copy */
    bool is_answered;  /* the publisher gets an answer to each message, and waits for it before it goes on */
    bool until_answer; /* latency runs until that answer, and not until the last receiver is done */
};

struct message {
    double start_s, end_s;
    size_t missing_count; /* copies that are not done yet */
    bool is_answered;
};

struct run {
    struct options options;
    struct protocol protocol;
    struct link publisher, *receivers;
    struct text payload;       /* of the message at hand, see number_payload */
    struct message *messages;
    unsigned char *has_copy;   /* of message and receiver: whether it has come */
    size_t *noted, noted_count; /* copies that are done with the receiver's next write */
    size_t published_count, over_count;
    bool *waits_to_write;      /* of each connection, the publisher's last */
    int epoll;
};

struct options default_options(const char *port);
/* Takes one of RECEIVERS_OPTIONS; false when it is none of them. */
bool take_option(struct options *options, int option, const char *value);

/* Makes room. The connections are the program's to open, with all that has to be said on them before. */
struct run *make_run(struct options options, struct protocol protocol);

/* Publishes all messages, prints the figures as JSON. Copies too many or too few end the program. */
void run_and_print(struct run *run);

/* Makes `run->payload` that of the message: its number in ten digits, filled up. */
void number_payload(struct run *run, size_t number);
size_t number_in(const char *payload, size_t size);

void note_copy(struct run *run, size_t receiver, size_t number);
void note_answer(struct run *run, size_t number);

#endif
