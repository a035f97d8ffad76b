/* One pipelined connection to a Gearman server: buffers, packets, a clock. What to send is the programs' business. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packet_type {
    CAN_DO = 1,
    PRE_SLEEP = 4,
    NOOP = 6,
    SUBMIT_JOB = 7,
    JOB_CREATED = 8,
    NO_JOB = 10,
    WORK_STATUS = 12,
    WORK_COMPLETE = 13,
    WORK_FAIL = 14,
    ECHO_REQ = 16,
    ECHO_RES = 17,
    SUBMIT_JOB_BG = 18,
    ERROR = 19,
    WORK_EXCEPTION = 25,
    WORK_DATA = 28,
    WORK_WARNING = 29,
    GRAB_JOB_UNIQ = 30,
    JOB_ASSIGN_UNIQ = 31,
};

/* The bytes from `start` to `end` are to be written (or to be parsed); those before `start` are done with. */
struct buffer {
    char *data;
    size_t start, end, capacity;
};

struct packet {
    uint32_t type;
    const char *body; /* valid until the next read */
    size_t size;
};

struct link {
    int fd;
    struct buffer out, in;
};

struct text {
    char *data;
    size_t size;
};

/* The lines of a file, without their ends. */
struct lines {
    struct text *at;
    size_t count;
};

double now_s(void);
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
struct lines read_lines(const char *path);

/* Connects with TCP_NODELAY, then never blocks. */
void link_open(struct link *link, const char *host, const char *port);

/* Waits until the socket is ready, at most `limit_s`, then writes once and reads once. */
void link_pump(struct link *link, double limit_s);

/* One write of what waits in `out`; one read into `in`. For those that poll many connections themselves. */
void link_write(struct link *link);
void link_read(struct link *link);

/* Takes the next whole packet out of what was read; false when there is none yet. */
bool link_next(struct link *link, struct packet *packet);

void put_bytes(struct buffer *out, const void *data, size_t size);

/* Appends a packet's header; its `size` bytes are the caller's to append. */
void put_header(struct buffer *out, enum packet_type type, size_t size);

/* Appends `function NUL NUL payload`: a submission with an empty unique key, which no server coalesces. */
void put_submit(struct buffer *out, enum packet_type type, struct text function, struct text payload);

#endif
