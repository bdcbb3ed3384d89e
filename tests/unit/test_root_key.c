/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/root_key.h"

#include "common/digest.h"
#include "run/run.h"
#include "tools/job_mounts.h"
#include "tools/job_options.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_root_key.XXXXXX";
static char source[64];
static char homes[][8] = { "/root", "/home" };

static void set_up(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(source, sizeof(source), "%s/source", folder);
	cr_assert_eq(mkdir(source, 0755), 0);
	cr_assert_eq(chdir("/"), 0);
}

static void tear_down(void)
{
	rmdir(source);
	rmdir(folder);
}

TestSuite(root_key, .init = set_up, .fini = tear_down, .timeout = 30);

/* What the jobs below differ from. */
struct job {
	struct job_options options;
	struct job_mounts mounts;
	struct run_bind bind;
};

static struct job make_job(void)
{
	return (struct job){
		.mounts = { .count = 1, .home = homes[0] },
		.bind = { .source = source, .destination = "/new" },
	};
}

static struct digest key_of(struct job *job)
{
	struct digest key;

	job->mounts.binds = &job->bind;
	cr_assert(root_key_compute(&job->options, &job->mounts, &key));
	return key;
}

static bool has_key(struct job *job)
{
	struct digest key;

	job->mounts.binds = &job->bind;
	return root_key_compute(&job->options, &job->mounts, &key);
}

Test(root_key, is_the_same_for_what_shapes_no_root)
{
	struct job a = make_job();
	struct job b = make_job();
	struct digest first = key_of(&a);
	struct digest second;

	b.options.clean_env = true;
	b.options.use_pid = true;
	b.options.cwd = "/srv";
	second = key_of(&b);
	cr_expect(digest_equal(&first, &second));
}

Test(root_key, differs_by_what_does)
{
	struct job jobs[8];
	struct job plain = make_job();
	struct digest first = key_of(&plain);
	struct digest other;

	for (size_t i = 0; i < 8; i++)
		jobs[i] = make_job();
	jobs[0].mounts.home = homes[1];
	jobs[1].mounts.omitted = RUN_STANDARD_TMP;
	jobs[2].bind.is_read_only = true;
	jobs[3].bind.destination = "/elsewhere";
	jobs[4].bind.source = folder;
	jobs[5].mounts.count = 0;
	jobs[6].options.contain = true;
	jobs[7].bind.source = NULL;
	for (size_t i = 0; i < 8; i++) {
		other = key_of(&jobs[i]);
		cr_expect(!digest_equal(&first, &other), "case %zu", i);
	}
	cr_assert_eq(chdir(folder), 0);
	other = key_of(&plain);
	cr_expect(!digest_equal(&first, &other), "the caller's directory");
}

Test(root_key, knows_a_folder_that_took_anothers_place)
{
	struct job job = make_job();
	struct digest first = key_of(&job);
	struct digest second;
	char moved[80];

	snprintf(moved, sizeof(moved), "%s.moved", source);
	cr_assert_eq(rename(source, moved), 0);
	cr_assert_eq(mkdir(source, 0755), 0);
	second = key_of(&job);
	cr_expect(!digest_equal(&first, &second));
	rmdir(moved);
}

Test(root_key, is_not_for_roots_of_their_own)
{
	struct job jobs[5];

	for (size_t i = 0; i < 5; i++) {
		jobs[i] = make_job();
		cr_expect(has_key(&jobs[i]));
	}
	jobs[0].mounts.overlays.upper = folder;
	jobs[1].options.writable_tmpfs = true;
	jobs[2].options.hostname = "name";
	jobs[3].options.gpu.use_nvidia = true;
	jobs[4].options.gpu.devices.count = 1;
	for (size_t i = 0; i < 5; i++)
		cr_expect(!has_key(&jobs[i]), "case %zu", i);
}

/* It shows as /dev/console. */
Test(root_key, is_not_for_a_contained_job_with_a_terminal)
{
	struct job job = make_job();
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);
	int kept = dup(STDOUT_FILENO);
	bool has_plain;
	bool has_contained;

	if (terminal < 0)
		cr_skip_test("no terminals are here");
	cr_assert_eq(grantpt(terminal), 0);
	cr_assert_eq(unlockpt(terminal), 0);
	cr_assert_eq(dup2(terminal, STDOUT_FILENO), STDOUT_FILENO);
	has_plain = has_key(&job);
	job.options.contain = true;
	has_contained = has_key(&job);
	dup2(kept, STDOUT_FILENO);
	cr_expect(has_plain);
	cr_expect(!has_contained);
}
