package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

func TestLint(t *testing.T) {
	good, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, text string
		want       []string // a piece of each line
	}{
		{"ours", string(good), nil},
		{"rule", "FROM scratch\nMAINTAINER me\n", []string{"D:2: MaintainerDeprecated: "}},
		{"unbuildable", "FROM scratch\nCOPY --from=9 a b\n", []string{"D: invalid stage index 9"}},
		{"unknown instruction", "FROM scratch\nRUM ls\n", []string{"D:2: dockerfile parse error on line 2: unknown instruction: RUM"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			n, err := lint(context.Background(), "D", []byte(test.text), &out)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if n != len(test.want) || n > 0 && n != len(lines) {
				t.Fatalf("want %d findings, got %d:\n%s", len(test.want), n, &out)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("want %q..., got %q", want, lines[i])
				}
			}
		})
	}
}
