package control

import (
	"context"
	"fmt"
)

// Counts is what nginx's stub_status tells.
type Counts struct {
	// Connections now: all, and those on which it reads a request, writes an answer
	// or waits for a request.
	Active, Reading, Writing, Waiting uint64
	// Since nginx was started, also over reloads.
	Accepted, Handled, Requests uint64
}

// Counts asks for what nginx counts. It fails if nginx doesn't count, which takes
// http_stub_status_module.
func (c *Client) Counts(ctx context.Context) (Counts, error) {
	body, err := c.get(ctx, "/status")
	if err != nil {
		return Counts{}, err
	}
	var n Counts
	// As ngx_http_stub_status_module writes it.
	_, err = fmt.Sscanf(body, "Active connections: %d \nserver accepts handled requests\n %d %d %d \nReading: %d Writing: %d Waiting: %d",
		&n.Active, &n.Accepted, &n.Handled, &n.Requests, &n.Reading, &n.Writing, &n.Waiting)
	if err != nil {
		return Counts{}, fmt.Errorf("the control socket answers to /status with something else: %w", err)
	}
	return n, nil
}
