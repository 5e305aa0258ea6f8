package remember

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/30x/dispatcher/pkg/discovery"
)

type directory struct {
	told     [][]discovery.Service
	waiting  []discovery.Question
	expected []discovery.Question
}

func (d *directory) Questions() []discovery.Question { return slices.Clone(d.waiting) }
func (d *directory) Expect(q []discovery.Question)   { d.expected = q }

func (d *directory) Set(services []discovery.Service) int {
	if n := len(d.told); n > 0 && reflect.DeepEqual(d.told[n-1], services) {
		return 0
	}
	d.told = append(d.told, services)
	return len(services)
}

func services(port uint16) []discovery.Service {
	return []discovery.Service{{Name: "a", Endpoints: []discovery.Endpoint{{Addr: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port), Weight: 3}}}, {Name: "b"}}
}

// What was told last is told again, to those for whom it was meant.
func TestRestore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "endpoints.json")
	synctest.Test(t, func(t *testing.T) {
		to := &directory{}
		m := New(to, path, "settings", slog.New(slog.DiscardHandler))
		if m.Restore("") != 0 {
			t.Error("restored from nothing")
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		if m.Set(services(1)) != 2 || m.Set(services(1)) != 0 {
			t.Error("not passed on")
		}
		synctest.Wait()
		first, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m.Set(services(2))
		synctest.Wait()
		if again, _ := os.ReadFile(path); string(again) != string(first) {
			t.Error("written twice at once")
		}
		time.Sleep(least)
		synctest.Wait()
		m.Set(services(3))
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for purpose, want := range map[string][][]discovery.Service{"settings": {services(3)}, "others": nil} {
		to := &directory{}
		m := New(to, path, purpose, slog.New(slog.DiscardHandler))
		if n := m.Restore(""); n != 2*len(want) || !reflect.DeepEqual(to.told, want) {
			t.Errorf("%s: %d, told %v, want %v", purpose, n, to.told, want)
		}
	}
}

// A file that can't be read or written is told once, and stops nothing.
func TestTrouble(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "endpoints.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	synctest.Test(t, func(t *testing.T) {
		to := &directory{}
		m := New(to, path, "", slog.New(slog.NewTextHandler(&log, nil)))
		m.Restore("")
		m.path = filepath.Join(folder, "none", "endpoints.json")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		for port := range uint16(3) {
			m.Set(services(port + 1))
			time.Sleep(2 * every)
		}
		cancel()
		if err := <-done; err != nil || len(to.told) != 3 {
			t.Errorf("%v, %d times told", err, len(to.told))
		}
	})
	if strings.Count(log.String(), "can't be read") != 1 || strings.Count(log.String(), "can't be written") != 1 {
		t.Errorf("the log says:\n%s", &log)
	}
}

// The questions of the last second are expected again, but not for long.
func TestContinue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "endpoints.json")
	to := &directory{waiting: []discovery.Question{
		{From: netip.MustParseAddrPort("127.0.0.1:40000"), ID: 7, Service: "b"},
		{From: netip.MustParseAddrPort("127.0.0.1:40000"), ID: 8, Service: "a"},
	}}
	m := New(to, path, "", slog.New(slog.DiscardHandler))
	if m.Continue() != 0 {
		t.Error("expected something of nobody")
	}
	for range 2 { // the second time there is nothing new
		if err := m.writeQuestions(); err != nil {
			t.Fatal(err)
		}
	}
	if m.Continue() != 2 || to.expected[0].Service != "a" || to.expected[0].ID != 8 || to.expected[1] != to.waiting[0] {
		t.Errorf("expected %v", to.expected)
	}
	old := time.Now().Add(-2 * recent)
	if err := os.Chtimes(m.questions(), old, old); err != nil {
		t.Fatal(err)
	}
	if m.Continue() != 0 {
		t.Error("expected old questions")
	}
}
