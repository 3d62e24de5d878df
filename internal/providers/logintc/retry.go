package logintc

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// maxRetryAfter bounds how long a server can make a call wait.
const maxRetryAfter = 5 * time.Minute

// checkRetry says whether a call is sent again. It implements retryablehttp.CheckRetry.
func checkRetry(ctx context.Context, response *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	once := ctx.Value(onceKey{}) != nil
	if err != nil {
		if once {
			return false, nil
		}
		// It knows the errors that come again: certificates, schemes, redirects.
		return retryablehttp.DefaultRetryPolicy(ctx, response, err)
	}
	switch response.StatusCode {
	case http.StatusTooManyRequests:
		return true, nil
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return !once, nil
	}
	return false, nil
}

// backoff is how long to wait before the next attempt: what the server asks for,
// else an exponential time of which a random part is waited, so that clients
// that were refused together do not come back together. It implements
// retryablehttp.Backoff.
func backoff(least, most time.Duration, attempt int, response *http.Response) time.Duration {
	if asked := retryAfter(response); asked > 0 {
		return asked
	}
	wait := least << min(attempt, 16)
	if wait > most || wait <= 0 {
		wait = most
	}
	return wait/2 + rand.N(wait/2+1)
}

// retryAfter is what a Retry-After header asks for (RFC 9110, 10.2.3), 0 where
// there is none.
func retryAfter(response *http.Response) time.Duration {
	if response == nil {
		return 0
	}
	header := response.Header.Get("Retry-After")
	var wait time.Duration
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = time.Until(at)
	}
	return max(0, min(wait, maxRetryAfter))
}
