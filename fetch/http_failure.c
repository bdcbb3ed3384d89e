/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_failure.h"

#include <errno.h>

static int code_of_connect_failure(const struct curl_library *curl, CURL *easy)
{
	long number = 0;

	CURL_LIBRARY_GETINFO(curl, easy, CURLINFO_OS_ERRNO, &number);
	if (number == EHOSTUNREACH || number == ENETUNREACH)
		return -EHOSTUNREACH;
	if (number == ETIMEDOUT)
		return -ETIMEDOUT;
	return -ECONNREFUSED;
}

int http_failure_explain(const struct curl_library *curl, CURL *easy,
			 CURLcode code, bool has_head, const char **ret_why)
{
	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		*ret_why = "the host's name does not resolve; check the "
			   "spelling and the network";
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		*ret_why = "cannot connect; check host and port, and that "
			   "the server is up";
		return code_of_connect_failure(curl, easy);
	case CURLE_OPERATION_TIMEDOUT:
		*ret_why = "no connection within the time allowed; check "
			   "host, port and firewall";
		return -ETIMEDOUT;
	case CURLE_SSL_CONNECT_ERROR:
		*ret_why = "the TLS handshake failed; does the server speak "
			   "https on this port?";
		return -EKEYREJECTED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		*ret_why = "the server's certificate is not trusted; put its "
			   "CA into SSL_CERT_FILE if it should be";
		return -EKEYREJECTED;
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		*ret_why = "the CA certificates cannot be read; check "
			   "SSL_CERT_FILE and SSL_CERT_DIR";
		return -EKEYREJECTED;
	case CURLE_OUT_OF_MEMORY:
		*ret_why = "out of memory";
		return -ENOMEM;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_BAD_CONTENT_ENCODING:
		*ret_why = "what answers there does not speak HTTP";
		return -EPROTO;
	default:
		*ret_why = has_head ? "the connection broke in the middle of "
				      "the answer"
				    : "the connection broke before an answer";
		return -ECONNRESET;
	}
}
