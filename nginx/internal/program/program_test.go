package program

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// A test of a configuration gets no input, no more time than it may take, and of root's
// capabilities those alone that it needs. This process keeps its own.
func TestConfined(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	nginx := filepath.Join(dir, "nginx")
	if err := os.WriteFile(nginx, []byte("#!/bin/sh\ncat >&2\ncat /proc/self/status >&2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := capabilities(t, "CapEff", status(t))
	said, err := Test(t.Context(), nginx, dir, "x")
	if err != nil {
		t.Fatal(err, said)
	}
	var want uint64
	for _, c := range needed() {
		want |= 1 << c
	}
	if got := capabilities(t, "CapEff", said); got & ^want != 0 && os.Geteuid() == 0 {
		t.Errorf("it has the capabilities %x, want none but %x", got, want)
	}
	if os.Geteuid() == 0 && capabilities(t, "CapEff", said) != before&want {
		t.Errorf("it lacks some of the capabilities %x", before&want)
	}
	if after := capabilities(t, "CapEff", status(t)); after != before {
		t.Errorf("this process has the capabilities %x, and had %x", after, before)
	}
	if err := os.WriteFile(nginx, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if began := time.Now(); func() error { _, err := Test(ctx, nginx, dir, "x"); return err }() == nil || time.Since(began) > 30*time.Second {
		t.Errorf("a test without end took %v", time.Since(began))
	}
}

func status(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func capabilities(t *testing.T, set, text string) uint64 {
	t.Helper()
	m := regexp.MustCompile(set + `:\s*([0-9a-f]+)`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in %s", set, text)
	}
	n, err := strconv.ParseUint(m[1], 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
