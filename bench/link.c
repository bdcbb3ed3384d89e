/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: a network link with a delay and a rate, between two TUN devices.
 *
 *	link NEAR FAR DEVICE-NEAR DEVICE-FAR RTT_MS RATE_MBIT QUEUE_KB
 *
 * NEAR and FAR are network namespaces (files, as in /run/netns) in which the
 * devices exist already: persistent, mode tun, with vnet_hdr.  bench/link.sh
 * makes them, and is what people call.
 *
 * A packet that comes out of one device leaves the line when all before it
 * have, and its own bytes have been sent at the rate; half the round trip time
 * later it goes into the other device.  What would have to wait for the line
 * longer than QUEUE_KB take is dropped, as a router with a buffer of that size
 * drops it.  Rate 0 is a line without a limit.
 *
 * The devices hand over what TCP means to send as one packet of up to 64 KiB
 * (IFF_VNET_HDR and TUNSETOFFLOAD); it is counted as the IP packets of the
 * device's MTU that it stands for.  That makes 1 Gbit/s cost a tenth of a core.
 *
 * One thread; one queue a direction, whose size is the bandwidth-delay product
 * and QUEUE_KB.  SIGTERM ends it; counters go to stderr then.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	NS_PER_MS = 1000000,
	/* one read: the header of 10 bytes, 64 KiB, room to spare */
	PACKET_SIZE_MAX = 66 << 10,
	/* a packet's bookkeeping is counted too: many small ones fit */
	QUEUE_SIZE_MIN = 4 << 20,
	QUEUE_SIZE_MAX = 512 << 20,
	/* packets taken from one device before the other has its turn */
	BURST_MAX = 64,
	TIMER_SLACK_NS = 20000,
	RTT_MS_MAX = 2000,
	RATE_MBIT_MAX = 100000,
	QUEUE_KB_MAX = 256 << 10,
};

/* A packet in the queue; its bytes follow. */
struct packet {
	int64_t due_ns;
	uint32_t size;
	/* from this header to the next one, or WRAPPED */
	uint32_t step;
};

#define WRAPPED UINT32_MAX

struct direction {
	int in_fd;
	int out_fd;
	/* a ring of packets, none of which wraps */
	uint8_t *ring;
	size_t ring_size;
	size_t head;
	size_t tail;
	size_t used;
	/* when the line has sent all that is in the queue */
	int64_t line_free_ns;
	uint64_t bytes;
	uint64_t packets;
	uint64_t drops;
};

struct link {
	int64_t delay_ns;
	double ns_per_byte; /* 0: no limit */
	int64_t backlog_ns_max;
	struct direction directions[2];
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 * NS_PER_MS + ts.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static long number(const char *text, long max, const char *what)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end || value < 0 || value > max) {
		fprintf(stderr, "link: %s is 0 to %ld, not %s\n", what, max,
			text);
		exit(2);
	}
	return value;
}

/* The device's other end: a descriptor that stays good in any namespace. */
static int open_device(const char *netns, const char *name)
{
	struct ifreq request = { 0 };
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(netns);
	close(fd);
	if (strlen(name) >= sizeof(request.ifr_name)) {
		errno = ENAMETOOLONG;
		die(name);
	}
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		die("/dev/net/tun");
	memcpy(request.ifr_name, name, strlen(name));
	request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		die(name);
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
		die("TUNSETOFFLOAD");
	return fd;
}

/* The bytes on the wire, at the IP level, of what the device handed over. */
static uint64_t wire_size(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr header;
	uint64_t payload;
	uint64_t segments;

	memcpy(&header, data, sizeof(header));
	size -= sizeof(header);
	if (header.gso_type == VIRTIO_NET_HDR_GSO_NONE || !header.gso_size ||
	    header.hdr_len >= size)
		return size;
	payload = size - header.hdr_len;
	segments = (payload + header.gso_size - 1) / header.gso_size;
	return payload + segments * header.hdr_len;
}

/* Where the next packet may be read to; NULL when the queue is full. */
static struct packet *reserve(struct direction *direction)
{
	const size_t need = sizeof(struct packet) + PACKET_SIZE_MAX;
	size_t room = direction->ring_size - direction->used;
	size_t to_end = direction->ring_size - direction->tail;
	struct packet *packet;

	if (to_end >= need)
		return room < need
			       ? NULL
			       : (void *)(direction->ring + direction->tail);
	if (room < to_end + need)
		return NULL;
	packet = (void *)(direction->ring + direction->tail);
	packet->step = WRAPPED;
	direction->used += to_end;
	direction->tail = 0;
	return (void *)direction->ring;
}

static void append(struct direction *direction, struct packet *packet)
{
	size_t step = sizeof(*packet) + packet->size;

	step = (step + 15) & ~(size_t)15;
	packet->step = (uint32_t)step;
	direction->tail += step;
	direction->used += step;
}

static struct packet *first(struct direction *direction)
{
	struct packet *packet;

	if (!direction->used)
		return NULL;
	packet = (void *)(direction->ring + direction->head);
	if (packet->step == WRAPPED) {
		direction->used -= direction->ring_size - direction->head;
		direction->head = 0;
		if (!direction->used)
			return NULL;
		packet = (void *)direction->ring;
	}
	return packet;
}

static void take_in(const struct link *link, struct direction *direction)
{
	for (int i = 0; i < BURST_MAX; i++) {
		struct packet *packet = reserve(direction);
		int64_t now = now_ns();
		int64_t busy_ns;
		uint8_t *data;
		uint64_t size;
		ssize_t n;

		if (!packet)
			return;
		data = (uint8_t *)(packet + 1);
		n = read(direction->in_fd, data, PACKET_SIZE_MAX);
		if (n < (ssize_t)sizeof(struct virtio_net_hdr))
			return;
		size = wire_size(data, (size_t)n);
		if (direction->line_free_ns < now)
			direction->line_free_ns = now;
		busy_ns = (int64_t)((double)size * link->ns_per_byte);
		if (direction->line_free_ns - now > link->backlog_ns_max) {
			direction->drops++;
			continue;
		}
		direction->line_free_ns += busy_ns;
		direction->bytes += size;
		direction->packets++;
		packet->due_ns = direction->line_free_ns + link->delay_ns;
		packet->size = (uint32_t)n;
		append(direction, packet);
	}
}

/* Gives out what is due; returns when the next one is, or INT64_MAX. */
static int64_t give_out(struct direction *direction)
{
	struct packet *packet;

	while ((packet = first(direction))) {
		if (packet->due_ns > now_ns())
			return packet->due_ns;
		/* what the device does not take is lost, as on a wire */
		if (write(direction->out_fd, packet + 1, packet->size) < 0)
			direction->drops++;
		direction->head += packet->step;
		direction->used -= packet->step;
	}
	return INT64_MAX;
}

static void run(struct link *link, const sigset_t *waiting_mask)
{
	while (!stopping) {
		struct pollfd fds[2];
		struct timespec timeout;
		int64_t due_ns = INT64_MAX;
		int64_t wait_ns;

		for (int i = 0; i < 2; i++) {
			int64_t next_ns = give_out(&link->directions[i]);

			if (next_ns < due_ns)
				due_ns = next_ns;
			fds[i].fd = link->directions[i].in_fd;
			fds[i].events =
				reserve(&link->directions[i]) ? POLLIN : 0;
		}
		wait_ns = due_ns == INT64_MAX ? 0 : due_ns - now_ns();
		if (wait_ns < 0)
			wait_ns = 0;
		timeout.tv_sec = wait_ns / (1000 * NS_PER_MS);
		timeout.tv_nsec = wait_ns % (1000 * NS_PER_MS);
		if (ppoll(fds, 2, due_ns == INT64_MAX ? NULL : &timeout,
			  waiting_mask) < 0) {
			if (errno != EINTR)
				die("ppoll");
			continue;
		}
		for (int i = 0; i < 2; i++) {
			if (fds[i].revents)
				take_in(link, &link->directions[i]);
		}
	}
}

static void set_up(struct link *link, long rtt_ms, long rate_mbit,
		   long queue_kb)
{
	const uint64_t bytes_per_ms = (uint64_t)rate_mbit * 125;
	uint64_t size =
		bytes_per_ms * (uint64_t)rtt_ms + ((uint64_t)queue_kb << 10);

	link->delay_ns = (int64_t)rtt_ms * NS_PER_MS / 2;
	link->ns_per_byte = rate_mbit ? 8000.0 / (double)rate_mbit : 0;
	link->backlog_ns_max =
		(int64_t)((double)(queue_kb << 10) * link->ns_per_byte);
	/* room for bookkeeping, and for a line without a limit */
	size += size / 2 + QUEUE_SIZE_MIN +
		(rate_mbit ? 0 : (uint64_t)rtt_ms << 21);
	if (size > QUEUE_SIZE_MAX)
		size = QUEUE_SIZE_MAX;
	for (int i = 0; i < 2; i++) {
		struct direction *direction = &link->directions[i];

		direction->ring_size = size & ~(size_t)15;
		direction->ring = malloc(direction->ring_size);
		if (!direction->ring)
			die("memory for the queue");
	}
}

int main(int argc, char *argv[])
{
	static const char *const names[2] = { "near to far", "far to near" };
	struct sigaction action = { .sa_handler = stop };
	struct link link = { 0 };
	sigset_t blocked;
	sigset_t before;
	int near_fd;
	int far_fd;

	if (argc != 8) {
		fprintf(stderr, "usage: link NEAR FAR DEVICE-NEAR DEVICE-FAR "
				"RTT_MS RATE_MBIT QUEUE_KB\n");
		return 2;
	}
	set_up(&link, number(argv[5], RTT_MS_MAX, "RTT_MS"),
	       number(argv[6], RATE_MBIT_MAX, "RATE_MBIT"),
	       number(argv[7], QUEUE_KB_MAX, "QUEUE_KB"));
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	near_fd = open_device(argv[1], argv[3]);
	far_fd = open_device(argv[2], argv[4]);
	link.directions[0].in_fd = link.directions[1].out_fd = near_fd;
	link.directions[0].out_fd = link.directions[1].in_fd = far_fd;
	printf("ready\n");
	fflush(stdout);
	run(&link, &before);
	for (int i = 0; i < 2; i++)
		fprintf(stderr,
			"link: %s: %llu bytes in %llu packets, %llu lost\n",
			names[i], (unsigned long long)link.directions[i].bytes,
			(unsigned long long)link.directions[i].packets,
			(unsigned long long)link.directions[i].drops);
	return 0;
}
