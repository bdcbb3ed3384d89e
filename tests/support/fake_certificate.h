/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fake_certificate: a self-signed certificate for localhost and 127.0.0.1,
 * for tests of TLS.  Its key is public: it protects nothing.
 *
 *	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1
 *		-nodes -days 36500 -subj /CN=localhost
 *		-addext subjectAltName=DNS:localhost,IP:127.0.0.1
 */

static const char fake_certificate_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9sMMtvRY65NRX3JO\n"
	"s35tUNvYILQqlzMAliAlT9Dl4WChRANCAAQOMHLNEKXpeFYLbuJyEkDBcB0jzjjJ\n"
	"UJtTtXEyNq8HTWr6ReG07GQ/icQnXbjL2mRTJh4Q9lgxFzJpCc+0BCTU\n"
	"-----END PRIVATE KEY-----\n";

static const char fake_certificate[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBmzCCAUGgAwIBAgIUcx+Kt9goUO80u8Pvw9CkaVCVeYowCgYIKoZIzj0EAwIw\n"
	"FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTIzMTU1NFoYDzIxMjYxMDI4\n"
	"MjMxNTU0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
	"PQMBBwNCAAQOMHLNEKXpeFYLbuJyEkDBcB0jzjjJUJtTtXEyNq8HTWr6ReG07GQ/\n"
	"icQnXbjL2mRTJh4Q9lgxFzJpCc+0BCTUo28wbTAdBgNVHQ4EFgQUl9RXJ3jyo4Jk\n"
	"Etu3T9pOge51r6kwHwYDVR0jBBgwFoAUl9RXJ3jyo4JkEtu3T9pOge51r6kwDwYD\n"
	"VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI\n"
	"zj0EAwIDSAAwRQIhANhOYPTAo9a3PDEqldnGPL1R58Imd5IecwmnUI1kcn1CAiA/\n"
	"+rz3PKMxv5bH2Tv/mcZZdZwAaJmtLcdqxN775h2iEg==\n"
	"-----END CERTIFICATE-----\n";
