#define _GNU_SOURCE /* ppoll */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEADER_BYTES 12
#define READ_BYTES (256 * 1024)

double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

struct lines read_lines(const char *path)
{
    struct lines lines = {NULL, 0};
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die("%s: %s", path, strerror(errno));
    size_t capacity = 0, room = 0;
    char *line = NULL;
    for (ssize_t size; (size = getline(&line, &room, file)) > 0;) {
        if (lines.count == capacity)
            lines.at = realloc(lines.at, (capacity = capacity * 2 + 16) * sizeof *lines.at);
        size_t kept = (size_t)size - (line[size - 1] == '\n');
        lines.at[lines.count++] = (struct text){strndup(line, kept), kept};
    }
    free(line);
    fclose(file);
    if (lines.count == 0)
        die("%s is empty", path);
    return lines;
}

static void make_room(struct buffer *buffer, size_t more)
{
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
    if (buffer->end + more <= buffer->capacity)
        return;
    if (buffer->start > 0) {
        memmove(buffer->data, buffer->data + buffer->start, buffer->end - buffer->start);
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
    if (buffer->end + more > buffer->capacity) {
        buffer->capacity = (buffer->end + more) * 2;
        buffer->data = realloc(buffer->data, buffer->capacity);
        if (buffer->data == NULL)
            die("out of memory");
    }
}

void put_bytes(struct buffer *out, const void *data, size_t size)
{
    make_room(out, size);
    memcpy(out->data + out->end, data, size);
    out->end += size;
}

void put_header(struct buffer *out, enum packet_type type, size_t size)
{
    uint32_t numbers[2] = {htonl(type), htonl((uint32_t)size)};
    put_bytes(out, "\0REQ", 4);
    put_bytes(out, numbers, sizeof numbers);
}

void put_submit(struct buffer *out, enum packet_type type, struct text function, struct text payload)
{
    put_header(out, type, function.size + 2 + payload.size);
    put_bytes(out, function.data, function.size);
    put_bytes(out, "\0\0", 2);
    put_bytes(out, payload.data, payload.size);
}

void link_open(struct link *link, const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int wrong = getaddrinfo(host, port, &hints, &found);
    if (wrong)
        die("%s:%s: %s", host, port, gai_strerror(wrong));
    *link = (struct link){.fd = socket(found->ai_family, SOCK_STREAM, 0)};
    if (connect(link->fd, found->ai_addr, found->ai_addrlen) < 0)
        die("%s:%s: %s", host, port, strerror(errno));
    int yes = 1;
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(link->fd, F_SETFL, O_NONBLOCK);
    freeaddrinfo(found);
}

void link_write(struct link *link)
{
    struct buffer *out = &link->out;
    ssize_t size = send(link->fd, out->data + out->start, out->end - out->start, MSG_NOSIGNAL);
    if (size > 0)
        out->start += (size_t)size;
    else if (errno != EAGAIN && errno != EINTR)
        die("writing: %s", strerror(errno));
}

void link_read(struct link *link)
{
    make_room(&link->in, READ_BYTES);
    ssize_t size = recv(link->fd, link->in.data + link->in.end, READ_BYTES, 0);
    if (size > 0)
        link->in.end += (size_t)size;
    else if (size == 0)
        die("the server closed the connection");
    else if (errno != EAGAIN && errno != EINTR)
        die("reading: %s", strerror(errno));
}

void link_pump(struct link *link, double limit_s)
{
    bool writing = link->out.end > link->out.start;
    struct pollfd wait = {.fd = link->fd, .events = (short)(POLLIN | (writing ? POLLOUT : 0))};
    struct timespec limit = {.tv_sec = (time_t)limit_s};
    limit.tv_nsec = (long)((limit_s - (double)limit.tv_sec) * 1e9);
    if (ppoll(&wait, 1, &limit, NULL) < 0 && errno != EINTR)
        die("polling: %s", strerror(errno));
    if (wait.revents & POLLOUT)
        link_write(link);
    if (wait.revents & (POLLIN | POLLHUP | POLLERR))
        link_read(link);
}

static uint32_t number_at(const char *data)
{
    uint32_t number;
    memcpy(&number, data, sizeof number);
    return ntohl(number);
}

bool link_next(struct link *link, struct packet *packet)
{
    struct buffer *in = &link->in;
    size_t there = in->end - in->start;
    const char *data = in->data + in->start;
    if (there < HEADER_BYTES)
        return false;
    packet->type = number_at(data + 4);
    packet->size = number_at(data + 8);
    packet->body = data + HEADER_BYTES;
    if (there < HEADER_BYTES + packet->size)
        return false;
    in->start += HEADER_BYTES + packet->size;
    return true;
}
