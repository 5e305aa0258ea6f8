package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/explain"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
)

// explainQuestion says what becomes of requests for a URL, or what a Pod serves, by
// manifests or a running Dispatcher. The exit code is exitFailed if nobody would answer.
func explainQuestion(cfg *config.Config, s streams) int {
	fail := func(err error) int {
		fmt.Fprintf(s.err, "dispatcher explain: %v\n", err)
		return exitRefused
	}
	answer, err := explainHere(cfg, s)
	if err != nil {
		return fail(err)
	}
	if cfg.Explain.JSON {
		encoder := json.NewEncoder(s.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(answer)
	} else {
		err = answer.Write(s.out)
	}
	switch {
	case err != nil:
		return fail(err)
	case !answer.Answer.Served:
		return exitFailed
	}
	return exitOK
}

func explainHere(cfg *config.Config, s streams) (*explain.Explanation, error) {
	if cfg.Explain.From != "" {
		return askRunning(context.Background(), &cfg.Explain)
	}
	g, err := readManifests(cfg, s)
	if err != nil {
		return nil, err
	}
	world := explain.World{Table: g.table, Snapshot: g.snapshot, Problems: g.problems, Settings: explainSettings(cfg, g.params, g.options)}
	if q := cfg.Explain; q.Pod == "" {
		return explain.URL(world, explain.Query{URL: q.URL, Headers: q.Headers, Client: q.Client})
	}
	return explain.Pod(world, cfg.Explain.Pod)
}

// explainSettings are what an explanation depends on beside the objects.
func explainSettings(cfg *config.Config, params render.Params, options route.Options) explain.Settings {
	return explain.Settings{
		Options: options, Selector: cfg.Selector.String(), DefaultReturn: params.DefaultReturn, StatusPath: params.StatusPath, SSLPort: params.SSLPort,
		APIKeyHeader: params.APIKeyHeader, TrustedProxies: params.TrustedProxies, ProxyProtocol: params.ProxyProtocol,
		Time: func(unix int64) string { return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04:05 UTC") },
	}
}

// askRunning asks a running Dispatcher. The question is sent as a form, so that no proxy
// in between logs a header's value.
func askRunning(ctx context.Context, q *config.Explain) (*explain.Explanation, error) {
	host, port, err := net.SplitHostPort(q.From)
	if err != nil || port == "" {
		return nil, fmt.Errorf("--from: %s is not an address: write HOST:PORT, as in ADMIN_ADDR", cluster.Quote(q.From))
	}
	if host == "" {
		host = "127.0.0.1"
	}
	form := url.Values{"header": q.Headers}
	for name, value := range map[string]string{"url": q.URL, "pod": q.Pod} {
		if value != "" {
			form.Set(name, value)
		}
	}
	if q.Client.IsValid() {
		form.Set("client", q.Client.String())
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	at := "http://" + net.JoinHostPort(host, port) + "/api/explain"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode())) //nolint:gosec // whom to ask is the user's choice
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{Transport: &http.Transport{}} // no proxy of the environment stands between
	r, err := client.Do(request)                         //nolint:gosec // see above
	if err != nil {
		return nil, fmt.Errorf("%w: is this the admin address of a running Dispatcher (ADMIN_ADDR)?", errors.Unwrap(err))
	}
	defer r.Body.Close()
	const most = 64 << 20
	body, err := io.ReadAll(io.LimitReader(r.Body, most))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", q.From, err)
	}
	if r.StatusCode != http.StatusOK {
		text := strings.TrimSpace(string(body))
		if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
			text = cluster.Quote(text) // no Dispatcher's
		}
		return nil, fmt.Errorf("%s answers: %s", q.From, text)
	}
	answer := &explain.Explanation{}
	if err := json.Unmarshal(body, answer); err != nil {
		return nil, fmt.Errorf("the answer of %s can't be read: %w: is it a Dispatcher of this version?", q.From, err)
	}
	return answer, nil
}
