// Package control asks nginx's workers, through the unix socket that every
// rendered configuration has, which configuration they serve. A socket's path
// enters; a generation and a process id leave. It never changes anything.
package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// timeout is the limit for one answer: a busy worker may be slow, but the next
// one asked is not.
const timeout = 2 * time.Second

// Client asks the workers that listen on one socket.
type Client struct{ http http.Client }

// NewClient gives a Client for the socket with that path.
func NewClient(socket string) *Client {
	return &Client{http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DisableKeepAlives: true, // an old worker would answer on an old connection
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			},
		},
	}}
}

// Ask gives the generation that one worker serves, and its process id. It takes
// 2s at most.
func (c *Client) Ask(ctx context.Context) (generation string, worker int, err error) {
	body, err := c.get(ctx, "/generation")
	if err != nil {
		return "", 0, err
	}
	generation, pid, ok := strings.Cut(body, " ")
	if worker, err = strconv.Atoi(pid); !ok || err != nil {
		return "", 0, errors.New("the control socket answers, and tells no generation")
	}
	return generation, worker, nil
}

// Version gives the version of the nginx that runs, like 1.30.6.
func (c *Client) Version(ctx context.Context) (string, error) { return c.get(ctx, "/version") }

func (c *Client) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://dispatcher"+path, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the control socket answers %d to %s", resp.StatusCode, path)
	}
	return strings.TrimSuffix(string(body), "\n"), nil
}
