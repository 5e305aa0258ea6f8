package parse

import (
	"strings"
	"testing"
)

// KX2: the port's name is a value that is judged and used.
func TestDirectorNames(t *testing.T) {
	check(t, ObjectLabel("Service"), accept("test", "a-1", "1a", strings.Repeat("a", 63)), "", "A", "a.b", "-a", "a/b", "a_b", strings.Repeat("a", 64))
	check(t, PortName, accept("http", "http-2", "8080-http"), "", "80", "HTTP", "a b", "-a", "a.b")
	check(t, Grace, map[string]string{"0s": "0s", "0": "0s", "10s": "10s", "15m": "15m0s"}, "", "-1s", "1", "1500ms", "901s")
}
