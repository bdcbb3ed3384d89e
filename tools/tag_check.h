/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tag_check: asks the registry what an assumed image's tag means, on a thread
 * of its own, while the image is being used already.
 *
 * Threads: one at a time; the thread it starts uses the image, the network and
 * the cache's folder refs/.
 */
struct error;
struct image;
struct tag_check;

/**
 * tag_check_start() - begin to ask
 * @image: borrowed until the check has ended; its layers are open
 *
 * Return: the check, or NULL without memory or threads: image_confirm() asks
 * as well.
 */
struct tag_check *tag_check_start(struct image *image);

/**
 * tag_check_end() - wait for the answer, and free the check
 *
 * Each of its requests has a deadline.  Return: as image_confirm(); 0 for NULL.
 */
int tag_check_end(struct tag_check *check, struct error *err);
