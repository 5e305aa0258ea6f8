package slots

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/30x/dispatcher/pkg/route/table"
)

// percent is a number of units as split_clients reads it.
func percent(units int) string { return fmt.Sprintf("%d.%02d%%", units/100, units%100) }

// split is a split_clients of the header X-Key, whose values are the runs' indices.
func split(name string, runs []table.Slot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "split_clients $http_x_key $%s {\n", name)
	for i, r := range runs[:len(runs)-1] {
		fmt.Fprintf(&b, "%s %d;\n", percent(r.Units), i)
	}
	fmt.Fprintf(&b, "* %d;\n}\n", len(runs)-1)
	return b.String()
}

// serve runs nginx with the text in its http block, and returns what asks it: a path
// and a key give the body.
func serve(t *testing.T, text string) (ask func(path, key string) string) {
	t.Helper()
	program := os.Getenv("NGINX_BINARY")
	if program == "" {
		program = "nginx"
	}
	program, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("NOT TESTED: there is no nginx: %v: install it (apt-get install nginx-light) or set NGINX_BINARY", err)
	}
	work, err := os.MkdirTemp("", "slots") // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(work) })
	socket, file := filepath.Join(work, "s"), filepath.Join(work, "c")
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s/%s;\n", kind, work, kind)
	}
	text = "daemon off; master_process off; error_log stderr; pid " + work + "/p;\nevents {}\nhttp {\naccess_log off;\n" + temp.String() + text + "}\n"
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "SOCKET", socket)), 0o600); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // and never unlock it: nginx ends with the thread, whatever becomes of the test
	var output strings.Builder
	cmd := exec.Command(program, "-p", work, "-e", "stderr", "-c", file)
	cmd.Stderr = &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	t.Cleanup(client.CloseIdleConnections)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "unix", socket); err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(deadline) {
			_, _ = cmd.Process.Kill(), cmd.Wait()
			t.Fatalf("nginx does not listen: %s", output.String())
		}
	}
	return func(path, key string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Key", key)
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", path, answer.Status, err)
		}
		return string(body)
	}
}

// HF1, HF2: nginx itself, of whatever version, finds each key where Find and Of do:
// in tables of all kinds, and by the borders of the key's unit. Among the keys are some
// whose hash is the last of a run, or the first of the next.
func TestNginxAgrees(t *testing.T) {
	t.Parallel()
	keys := []string{"", "a", "ab", "abc", "abcd", "abcde", "lobby", "Straße 7", "鍵", "a b", "%61", `"\'$host`, strings.Repeat("k", 253), strings.Repeat("long", 500)}
	for i := range 500 {
		keys = append(keys, "room-"+strconv.Itoa(i))
	}
	for i := range 20_000_000 { // those at the very borders of a table by names
		if key := strconv.Itoa(i); (uint64(Hash(key))+1)%share(grid) < 2 {
			keys = append(keys, key)
		}
	}
	names := podNames(16, 3)
	tables := map[string][]table.Slot{
		"ordinals_1": Ordinals(1), "ordinals_4": Ordinals(4), "ordinals_16": Ordinals(16), "ordinals_1000": Ordinals(1000),
		"names_2": Names(names[:2]), "names_16": Names(names), "next": Divert(Ordinals(4), names[:4], []bool{true, false, true, true}),
	}
	var text, server strings.Builder
	for name, runs := range tables {
		text.WriteString(split(name, runs))
		fmt.Fprintf(&server, "location = /%s { return 200 $%s; }\n", name, name)
	}
	const border = "split_clients $http_x_key $%s_%d { %s in; * out; }\n"
	seen := map[int]bool{}
	for _, key := range keys {
		if unit := Of(key); !seen[unit] {
			seen[unit] = true
			fmt.Fprintf(&text, border, "below", unit, percent(max(unit, 1)))
			fmt.Fprintf(&text, border, "within", unit, percent(unit+1))
			fmt.Fprintf(&server, "location = /%d { return 200 $below_%d,$within_%d; }\n", unit, unit, unit)
		}
	}
	const hashes = "variables_hash_max_size 8192; variables_hash_bucket_size 128; large_client_header_buffers 4 16k;\n"
	ask := serve(t, hashes+text.String()+"server {\nlisten unix:SOCKET;\n"+server.String()+"}\n")
	for _, key := range keys {
		for name, runs := range tables {
			if got, want := ask("/"+name, key), strconv.Itoa(Find(runs, key)); got != want {
				t.Errorf("%s: nginx finds %q in run %s, Find in %s", name, key, got, want)
			}
		}
		unit, want := Of(key), "out,in"
		if unit == 0 {
			want = "in,in" // there is no run of 0%
		}
		if got := ask("/"+strconv.Itoa(unit), key); got != want {
			t.Errorf("%q has the unit %d, and nginx finds it %s of it", key, unit, got)
		}
	}
}
