/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/profile_player.h"

#include "fetch/chunk_touches.h"
#include "tests/support/loader_fixture.h"

static struct chunk_touches *touches;
static struct profile_player *player;

static void setup(void)
{
	struct chunk_loader_options options = small;

	loader_setup();
	touches = chunk_touches_create(CHUNKS);
	cr_assert_not_null(touches);
	options.profile_request_size_max = 5 * CHUNK;
	options.touches = touches;
	loader = create(cache, &options);
	player = NULL;
}

static void teardown(void)
{
	profile_player_destroy(player);
	loader_teardown();
	chunk_touches_destroy(touches);
}

TestSuite(profile_player, .init = setup, .fini = teardown);

static void play(const uint32_t *numbers, uint32_t count, uint32_t first_ms,
		 bool is_guess)
{
	const struct profile_player_options options = { .is_guess = is_guess };
	struct profile_chunk *chunks = calloc(count, sizeof(*chunks));

	for (uint32_t i = 0; i < count; i++) {
		chunks[i] = (struct profile_chunk){ numbers[i], first_ms };
		chunk_touches_expect(touches, numbers[i]);
	}
	cr_assert_eq(profile_player_create(loader, &table->table, touches,
					   chunks, count, &options, &player),
		     0);
}

static void play_run(uint32_t first, uint32_t count, uint32_t first_ms,
		     bool is_guess)
{
	uint32_t numbers[CHUNKS];

	for (uint32_t i = 0; i < count; i++)
		numbers[i] = first + i;
	play(numbers, count, first_ms, is_guess);
}

static struct profile_player_figures figures(void)
{
	struct profile_player_figures ret;

	profile_player_get_figures(player, &ret);
	return ret;
}

Test(profile_player, fetches_before_anybody_asks)
{
	static const uint32_t numbers[] = { 40, 41, 42, 7 };

	play(numbers, 4, 0, false);
	for (size_t i = 0; i < 4; i++)
		await_cached(numbers[i]);
	/* the gap is below what is always joined: one range each */
	cr_expect_leq(counters().fetched_ranges, 2);
	cr_expect_eq(figures().wanted_chunks, 4);
	expect_get(41);
	cr_expect_leq(counters().fetched_ranges, 2, "it is at hand");
	cr_expect_eq(fault_source_byte_count(source), 1);
}

Test(profile_player, asks_for_nothing_that_is_at_hand)
{
	expect_get(3);
	await_cached(3);
	play_run(3, 1, 0, false);
	profile_player_destroy(player);
	player = NULL;
	cr_expect_eq(counters().fetched_ranges, 1);
}

Test(profile_player, reads_nothing_ahead_of_what_the_profile_says)
{
	play_run(10, 6, 0, false);
	for (uint32_t i = 10; i < 16; i++) {
		expect_get(i);
		chunk_loader_note_read(loader, 1, i, 1, CHUNKS - 1);
	}
	cr_expect_eq(counters().read_ahead_chunks, 0);
	cr_expect_eq(fault_source_byte_count(source), 1);
	for (uint32_t i = 16; i < 24; i++) {
		expect_get(i);
		chunk_loader_note_read(loader, 1, i, 1, CHUNKS - 1);
	}
	cr_expect_gt(counters().read_ahead_chunks, 0,
		     "beyond it reading ahead begins");
	cr_expect_eq(fault_source_byte_count(source), 1);
}

Test(profile_player, ends_when_the_profile_misleads)
{
	int64_t until_ms = clock_ms() + WAIT_MS;

	/* the range that is started stays away, the others stay queued */
	fault_source_script(source, FAULT_HOLD, 0, 1);
	play_run(60, 40, 0, false);
	cr_assert(fault_source_wait_held(source, 1));
	for (uint32_t i = 0; i <= PROFILE_PLAYER_OTHERS_MIN; i++)
		chunk_touches_note(touches, i);
	while (!figures().has_misled && clock_ms() < until_ms)
		usleep(1000);
	cr_expect(figures().has_misled);
	cr_expect_eq(chunk_loader_count_queued(loader, CHUNK_PROFILE), 0);
	fault_source_release_all(source);
}

Test(profile_player, lets_demand_overtake)
{
	struct answers *answers = answers_create();

	fault_source_script(source, FAULT_HOLD, 0, 1);
	play_run(20, 80, 0, false);
	cr_assert(fault_source_wait_held(source, 1));
	request_one(answers, 3);
	await(answers, 1);
	cr_expect_eq(answers->results[0], 0);
	fault_source_release_all(source);
	answers_destroy(answers);
}

Test(profile_player, waits_until_it_is_time)
{
	play_run(20, 5, 60 * 60 * 1000, false);
	usleep(100000);
	cr_expect_eq(figures().wanted_chunks, 5);
	cr_expect_eq(figures().asked_chunks, 0);
	cr_expect_eq(counters().fetched_ranges, 0);
}

Test(profile_player, goes_carefully_with_a_guess)
{
	enum { EACH = 4, GUESSED = CHUNKS / EACH };
	int64_t until_ms = clock_ms() + WAIT_MS;
	uint32_t numbers[GUESSED];

	/* gaps of 30000 bytes are joined: four chunks for each guessed */
	for (uint32_t i = 0; i < GUESSED; i++)
		numbers[i] = EACH * i + (i % 2 == 0 ? 0 : EACH - 1);
	play(numbers, GUESSED, 0, true);
	while (figures().asked_chunks == 0 && clock_ms() < until_ms)
		usleep(1000);
	usleep(50000);
	cr_expect_leq(figures().asked_chunks, CHUNKS / 2);
	for (uint32_t i = 0; i < GUESSED; i++)
		chunk_touches_note(touches, numbers[i]);
	while (figures().asked_chunks < GUESSED && clock_ms() < until_ms)
		usleep(1000);
	cr_expect_geq(figures().asked_chunks, GUESSED,
		      "more as it proves right");
}
