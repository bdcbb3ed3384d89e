/* SPDX-License-Identifier: Apache-2.0 */
/* What a job sees, and what the caller learns of it. */
#include "run/run.h"

#include "common/cleanup.h"
#include "tests/support/run_test_root.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static struct run_test_root root;
static struct run_test_result result;

static void set_up(void)
{
	if (!run_test_root_create(&root))
		cr_skip_test("no static /bin/busybox");
}

static void tear_down(void)
{
	run_test_root_destroy(&root);
}

TestSuite(run, .init = set_up, .fini = tear_down, .timeout = 60);

static const char *const envp[] = { "PATH=/nowhere:/bin", "HOME=/", NULL };
static const uid_t users[] = { RUN_TEST_USER, 0 };

static void run_script(uid_t uid, const struct run_options *options,
		       struct run_job job, const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	job.argv = argv;
	job.envp = envp;
	run_test_root_run(&root, uid, options, &job, &result);
	cr_assert_eq(result.code, 0, "%s", result.text);
}

static void expect_failure(const char *const *argv, int code, int exit_code,
			   const char *words)
{
	struct run_job job = { .argv = argv, .envp = envp };

	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_eq(result.code, code, "%s: %d", argv[0], result.code);
	cr_expect_eq(result.exit_code, exit_code, "%s", argv[0]);
	cr_expect(strstr(result.text, words), "%s", result.text);
}

Test(run, passes_exit_status_and_signal_on)
{
	struct run_options first = { .use_pid_namespace = true };

	for (size_t i = 0; i < 2; i++) {
		run_script(users[i], NULL, (struct run_job){ 0 }, "exit 37");
		cr_expect_eq(result.exit_code, 37);
		cr_expect_eq(result.signal, 0);
		run_script(users[i], NULL, (struct run_job){ 0 },
			   "kill -SEGV $$");
		cr_expect_eq(result.signal, SIGSEGV);
		run_script(users[i], &first, (struct run_job){ 0 }, "exit 37");
		cr_expect_eq(result.exit_code, 37);
		run_script(users[i], &first, (struct run_job){ 0 },
			   "kill -KILL $$");
		cr_expect_eq(result.exit_code, 128 + SIGKILL);
	}
}

Test(run, says_what_cannot_be_executed)
{
	static const char *const missing[] = { "missing", NULL };
	static const char *const missing_path[] = { "/bin/missing", NULL };
	static const char *const empty[] = { "", NULL };
	static const char *const directory[] = { "/etc", NULL };
	static const char *const closed[] = { "/etc/passwd", NULL };
	static const char *const loader[] = { "loader", NULL };
	char path[128];

	run_test_root_write(&root, "bin/loader", "#!/no/such/program\n");
	expect_failure(missing, -ENOENT, 127, "missing: command not found");
	expect_failure(missing_path, -ENOENT, 127, "/bin/missing");
	expect_failure(empty, -ENOENT, 127, "command not found");
	expect_failure(directory, -EACCES, 126, "is a directory");
	snprintf(path, sizeof(path), "%s/etc/passwd", root.path);
	cr_assert_eq(chmod(path, 0644), 0);
	expect_failure(closed, -EACCES, 126, "/etc/passwd cannot be executed");
	expect_failure(loader, -ENOENT, 127, "interpreter");
}

Test(run, gives_scripts_without_a_first_line_to_the_shell)
{
	static const char *const argv[] = { "script", "a b", NULL };
	struct run_job job = { .argv = argv, .envp = envp };

	run_test_root_write(&root, "bin/script", "echo \"<$1> $#\"\n");
	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_str_eq(result.output, "<a b> 1\n");
	run_test_root_remove(&root, "bin/sh");
	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_eq(result.code, -ENOEXEC, "%s", result.text);
	cr_expect_eq(result.exit_code, RUN_EXIT_NOT_EXECUTABLE);
}

Test(run, has_no_power)
{
	run_script(RUN_TEST_USER, NULL, (struct run_job){ 0 },
		   "grep -E '^(Cap|NoNewPrivs)' /proc/self/status; id -u; "
		   "cat /proc/self/uid_map; mount -t tmpfs none /etc");
	cr_expect_str_eq(result.output,
			 "CapInh:\t0000000000000000\n"
			 "CapPrm:\t0000000000000000\n"
			 "CapEff:\t0000000000000000\n"
			 "CapBnd:\t0000000000000000\n"
			 "CapAmb:\t0000000000000000\n"
			 "NoNewPrivs:\t1\n"
			 "5907\n"
			 "      5907          0          1\n"
			 "mount: permission denied (are you root?)\n");
	run_script(0, NULL, (struct run_job){ 0 },
		   "grep NoNewPrivs /proc/self/status");
	cr_expect_str_eq(result.output, "NoNewPrivs:\t1\n");
}

Test(run, closes_the_root_for_writing)
{
	for (size_t i = 0; i < 2; i++) {
		run_script(users[i], NULL, (struct run_job){ 0 },
			   "touch /x; echo y >> /etc/passwd; mkdir /bin/z");
		cr_expect(strstr(result.output,
				 "touch: /x: Read-only file system"));
		cr_expect(strstr(result.output, "passwd: Read-only"));
		cr_expect(strstr(result.output, "'/bin/z': Read-only"));
	}
}

Test(run, opens_the_root_when_asked)
{
	struct run_job job = { .is_writable = true, .writable_size = 1 << 20 };

	run_test_root_mkdir(&root, "old");
	run_test_root_write(&root, "old/file", "in the image\n");
	for (size_t i = 0; i < 2; i++) {
		run_script(users[i], NULL, job,
			   "set -e; echo more >> /old/file; cat /old/file; "
			   "rm -r /old; mkdir /old; ls /old; mv /bin/awk /old; "
			   "ls /old; "
			   "! head -c 4194304 /dev/zero 2>&- > /big");
		cr_expect_str_eq(result.output, "in the image\nmore\nawk\n");
	}
	run_script(0, NULL, (struct run_job){ 0 }, "cat /old/file; ls /big");
	cr_expect(strstr(result.output, "in the image\n"));
	cr_expect(strstr(result.output, "/big: No such file"));
}

Test(run, shows_the_user)
{
	struct run_job job = { .home = "/home/ann" };

	run_script(RUN_TEST_USER, NULL, job,
		   "cat /etc/passwd /etc/group; id -un; id -gn");
	cr_expect_str_eq(result.output, "root:x:0:0::/root:/bin/sh\n"
					"user:x:5907:5907::/home/ann:/bin/sh\n"
					"root:x:0:\n"
					"user:x:5907:user\n"
					"user\nuser\n");
	run_script(0, NULL, (struct run_job){ 0 }, "cat /etc/passwd");
	cr_expect_str_eq(result.output, "root:x:0:0::/root:/bin/sh\n");
}

Test(run, mounts_what_programs_expect)
{
	for (size_t i = 0; i < 2; i++) {
		run_script(
			users[i], NULL, (struct run_job){ 0 },
			"set -e; test -r /proc/self/stat; test -d /sys/class;"
			" echo x > /dev/null; test -c /dev/zero; "
			"test -s /etc/hosts; echo y > /tmp/$$; rm /tmp/$$; "
			"ls -d /var/tmp");
		cr_expect_str_eq(result.output, "/var/tmp\n");
		run_script(users[i], NULL,
			   (struct run_job){ .omitted = RUN_STANDARD_TMP |
							RUN_STANDARD_HOME |
							RUN_STANDARD_CWD,
					     .cwd = "/" },
			   "test -d /proc/self && ls /");
		cr_expect_str_eq(result.output, "bin\ndev\netc\nproc\nsys\n");
	}
}

static const char mount_flags[] =
	"awk '$5 ~ /^\\/(b|dev|proc|sys|tmp)?$/ "
	"{ split($6, f, \",\"); $6 = \"\"; "
	"for (i in f) if (f[i] ~ /^(ro|nosuid|nodev|noexec)$/) "
	"s[$5] = s[$5] \" \" f[i] } "
	"END { for (m in s) print m s[m] }' /proc/self/mountinfo";

Test(run, restricts_every_mount)
{
	struct run_bind bind = { .source = "/bin",
				 .destination = "/b",
				 .is_read_only = true };
	struct run_job job = { .binds = &bind, .bind_count = 1 };

	run_script(RUN_TEST_USER, NULL, job, mount_flags);
	cr_expect(strstr(result.output, "/ ro nosuid nodev\n"));
	cr_expect(strstr(result.output, "/b ro nosuid nodev\n"));
	cr_expect(strstr(result.output, "/proc nosuid nodev noexec\n"));
	cr_expect(strstr(result.output, "/sys ro nosuid nodev noexec\n"));
	cr_expect(strstr(result.output, "/tmp nosuid nodev\n"));
	cr_expect(strstr(result.output, "/dev nosuid\n"), "%s", result.output);
}

/* A file of the directory beside the root, which serves as the hot tree. */
static void put(const char *name, mode_t mode, const char *text)
{
	char path[192];
	autoclose int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", root.outside, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(fchmod(fd, mode), 0);
}

static void make_folder(const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", root.outside, name);
	cr_assert_eq(mkdir(path, 0755), 0);
}

Test(run, takes_files_from_the_hot_tree)
{
	struct run_job job = { .hot_tree = root.outside };

	make_folder("etc");
	put("etc/hot", 0644, "hot\n");
	run_test_root_write(&root, "etc/hot", "cold\n");
	run_test_root_write(&root, "etc/other", "other\n");
	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		run_script(users[i], NULL, job, "cat /etc/hot /etc/other");
		cr_expect_str_eq(result.output, "hot\nother\n");
	}
	job.hot_tree = "/no/such/tree";
	run_script(RUN_TEST_USER, NULL, job, "cat /etc/hot");
	cr_expect_str_eq(result.output, "cold\n");
}

/* Points to a file of the image, whose size it has. */
static void put_pointer(const char *name, mode_t mode, off_t size,
			const char *target)
{
	char path[192];

	put(name, mode, "");
	snprintf(path, sizeof(path), "%s/%s", root.outside, name);
	cr_assert_eq(truncate(path, size), 0);
	cr_assert_eq(setxattr(path, "user.overlay.metacopy", "", 0, 0), 0);
	cr_assert_eq(setxattr(path, "user.overlay.redirect", target,
			      strlen(target), 0),
		     0);
}

Test(run, takes_all_names_from_a_whole_hot_tree)
{
	struct run_job job = {
		.hot_tree = root.outside,
		.hot_tree_is_whole = true,
		.omitted =
			RUN_STANDARD_TMP | RUN_STANDARD_HOME | RUN_STANDARD_CWD,
	};
	char path[128];
	char link[192];
	struct stat st;

	make_folder("bin");
	make_folder("etc");
	make_folder("proc");
	snprintf(path, sizeof(path), "%s/bin/busybox", root.path);
	cr_assert_eq(stat(path, &st), 0);
	put_pointer("bin/busybox", 0755, st.st_size, "/bin/busybox");
	snprintf(link, sizeof(link), "%s/bin/sh", root.outside);
	cr_assert_eq(symlink("busybox", link), 0);
	snprintf(link, sizeof(link), "%s/bin/cat", root.outside);
	cr_assert_eq(symlink("busybox", link), 0);
	put_pointer("etc/pointer", 0644, 6, "/etc/other");
	run_test_root_write(&root, "etc/other", "other\n");
	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		run_script(users[i], NULL, job,
			   "cat /etc/pointer; [ -e /etc/other ] || echo none");
		if (strcmp(result.output, "cat: can't open '/etc/pointer': "
					  "No such file or directory\n") == 0)
			cr_skip_test("this kernel has no data-only layers "
				     "for users");
		cr_expect_str_eq(result.output, "other\nnone\n");
	}
}

Test(run, binds_directories_and_files)
{
	char file[128];
	struct run_bind binds[] = {
		{ .source = root.outside, .destination = "/data/in" },
		{ .source = root.outside,
		  .destination = "/data/read",
		  .is_read_only = true },
		{ .source = file, .destination = "/data/file" },
		{ .source = "/no/such", .destination = "/n", .is_optional = 1 },
		{ .source = "/dev/null", .destination = "/data/null" },
	};
	struct run_job job = { .binds = binds, .bind_count = 5 };
	autoclose int fd = -1;

	snprintf(file, sizeof(file), "%s/file", root.outside);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	cr_assert_eq(write(fd, "text\n", 5), 5);
	run_script(RUN_TEST_USER, NULL, job,
		   "cat /data/file; touch /data/in/made; ls /data/read; "
		   "touch /data/read/x; echo gone > /data/null; ls /n");
	cr_expect_str_eq(result.output,
			 "text\nfile\nmade\n"
			 "touch: /data/read/x: Read-only file system\n"
			 "ls: /n: No such file or directory\n");
}

Test(run, makes_links_files_and_masks)
{
	struct run_bind bind = { .source = "/bin", .destination = "/.h/0" };
	struct run_link links[] = {
		{ .path = "/libs/sh", .target = "../.h/0/sh" },
		{ .path = "/etc/replaced", .target = "/libs" },
	};
	struct run_file files[] = {
		{ .path = "/etc/made", .text = "made\n" },
		{ .path = "/proc/version",
		  .text = "masked\n",
		  .is_mask = true },
		{ .path = "/proc/no-such", .text = "", .is_mask = true },
	};
	struct run_job job = { .binds = &bind,
			       .bind_count = 1,
			       .links = links,
			       .link_count = 2,
			       .files = files,
			       .file_count = 3 };

	run_test_root_write(&root, "etc/replaced", "old");
	for (size_t i = 0; i < 2; i++) {
		run_script(users[i], NULL, job,
			   "cat /etc/made /proc/version; test -s /libs/sh; "
			   "readlink /etc/replaced; echo x 2>/dev/null "
			   ">/proc/version || echo closed; ls /proc/no-such "
			   "2>/dev/null || grep -c /file /proc/self/mountinfo");
		cr_expect_str_eq(result.output,
				 "made\nmasked\n/libs\nclosed\n1\n");
	}
}

Test(run, says_which_link_is_wrong)
{
	static const char *const argv[] = { "true", NULL };
	struct run_link link = { .path = "/etc", .target = "x" };
	struct run_job job = {
		.argv = argv, .envp = envp, .links = &link, .link_count = 1
	};

	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_eq(result.code, -EISDIR);
	cr_expect(strstr(result.text, "/etc is a directory"), "%s",
		  result.text);
}

Test(run, says_which_bind_is_wrong)
{
	static const char *const argv[] = { "true", NULL };
	static const struct {
		struct run_bind bind;
		int code;
		const char *words;
	} cases[] = {
		{ { .source = "/no/such", .destination = "/x" },
		  -ENOENT,
		  "/no/such cannot be bound: it does not exist" },
		{ { .source = "/bin", .destination = "/etc/passwd" },
		  -ENOTDIR,
		  "/etc/passwd is a file" },
		{ { .source = "/bin/sh", .destination = "/etc" },
		  -EISDIR,
		  "/etc is a directory" },
		{ { .source = "/bin", .destination = "/" },
		  -EBUSY,
		  "/ is the root itself" },
		{ { .source = "bin", .destination = "/b" },
		  -EINVAL,
		  "absolute" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct run_job job = {
			.argv = argv,
			.envp = envp,
			.binds = &cases[i].bind,
			.bind_count = 1,
		};

		run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
		cr_expect_eq(result.code, cases[i].code, "%s", result.text);
		cr_expect_eq(result.exit_code, RUN_EXIT_FAILURE);
		cr_expect(strstr(result.text, cases[i].words), "%s",
			  result.text);
	}
}

static unsigned count_overlays(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	unsigned count = 0;
	char line[4096];

	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, " - overlay overlay") != NULL;
	fclose(file);
	return count;
}

Test(run, shows_the_hosts_root_without_our_mounts)
{
	struct run_bind bind = { .source = "/", .destination = "/host" };
	struct run_job job = { .binds = &bind, .bind_count = 1 };
	char expected[64];

	/* the host's own, and the job's root */
	snprintf(expected, sizeof(expected), "/host/proc/tty/driver\n0\n%u\n",
		 count_overlays() + 1);
	for (size_t i = 0; i < 2; i++) {
		run_script(
			users[i], NULL, job,
			"ls -d /host/proc/tty/driver; "
			"grep -c '/run-test\\|proc/tty' /proc/self/mountinfo;"
			"grep -c ' - overlay overlay' /proc/self/mountinfo");
		cr_expect_str_eq(result.output, expected);
	}
}

Test(run, takes_thousands_of_binds)
{
	enum { COUNT = 2000 };
	static char destinations[COUNT][32];
	static struct run_bind binds[COUNT];
	struct run_job job = { .binds = binds, .bind_count = COUNT };

	for (size_t i = 0; i < COUNT; i++) {
		snprintf(destinations[i], sizeof(destinations[i]), "/m/%zu", i);
		binds[i].source = root.outside;
		binds[i].destination = destinations[i];
	}
	run_script(RUN_TEST_USER, NULL, job, "ls /m | wc -l");
	cr_expect_str_eq(result.output, "2000\n");
}

Test(run, takes_long_arguments)
{
	enum { COUNT = 20, SIZE = 100000 };
	const char *argv[COUNT + 4] = { "sh", "-c", "echo $# ${#20}" };
	struct run_job job = { .argv = argv, .envp = envp };
	char *word = malloc(SIZE + 1);

	memset(word, 'w', SIZE);
	word[SIZE] = '\0';
	for (size_t i = 0; i < COUNT; i++)
		argv[3 + i] = word;
	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	/* The default stack limit allows a quarter of 8 MiB. */
	cr_expect_eq(result.code, 0, "%s", result.text);
	cr_expect_str_eq(result.output, "19 0\n");
	free(word);
}

Test(run, falls_back_from_a_missing_directory)
{
	struct run_job job = { .cwd = "/not/there" };
	static const char *const argv[] = { "pwd", NULL };
	struct run_job required = {
		.argv = argv,
		.envp = envp,
		.cwd = "/not/there",
		.cwd_is_required = true,
	};

	run_script(RUN_TEST_USER, NULL, job, "pwd");
	cr_expect_str_eq(result.output, "/\n");
	job.home = root.outside;
	run_script(RUN_TEST_USER, NULL, job, "pwd > here; cat here");
	cr_expect(strstr(result.output, root.outside));
	run_test_root_run(&root, RUN_TEST_USER, NULL, &required, &result);
	cr_expect_eq(result.code, -ENOENT);
	cr_expect_eq(result.exit_code, RUN_EXIT_FAILURE);
	cr_expect(strstr(result.text, "/not/there"), "%s", result.text);
}

Test(run, keeps_the_callers_directory_and_mask)
{
	char expected[128];

	cr_assert_eq(chdir(root.outside), 0);
	umask(027);
	run_script(RUN_TEST_USER, NULL, (struct run_job){ 0 }, "pwd; umask");
	snprintf(expected, sizeof(expected), "%s\n0027\n", root.outside);
	cr_expect_str_eq(result.output, expected);
}

Test(run, keeps_the_callers_descriptors_and_none_of_ours)
{
	int fd = open(root.outside, O_RDONLY); /* to be inherited */

	cr_assert_geq(fd, 0);
	cr_assert_eq(dup2(fd, 77), 77);
	run_script(RUN_TEST_USER, NULL, (struct run_job){ 0 },
		   "cd /proc/self/fd && echo *");
	cr_expect(strstr(result.output, " 77"), "%s", result.output);
	close(77);
	close(fd);
	/* Of ours, sockets and O_PATH descriptors would show. */
	run_script(
		RUN_TEST_USER, NULL, (struct run_job){ 0 },
		"ls -l /proc/self/fd 2>&- | grep -c 'socket:\\|/proc$\\| /$'");
	cr_expect_str_eq(result.output, "0\n");
}
