package option

import (
	"strings"
	"testing"

	"github.com/30x/dispatcher/internal/page"
	"github.com/30x/dispatcher/pkg/route/limit"
)

// The reference page shows what the code knows.
func TestPageIsCurrent(t *testing.T) {
	page.Current(t, "../../../docs/options.md", WriteMarkdown)
}

// TestDefaultsAreSet: who asks for what is the default has asked for it, too.
func TestDefaultsAreSet(t *testing.T) {
	for name, text := range map[string]string{"policy": "balance", "readyGrace": "0s", "maxBodySize": "0", "balance": "round_robin", "backendProtocol": "http"} {
		f, _ := Find(name)
		var o, other Options
		if err := f.Parse(&o, text, limit.Limits{}); err != nil || f.Text(o) != text {
			t.Errorf("%s is %q, want %q (%v)", name, f.Text(o), text, err)
		}
		if f.Copy(&other, o); f.Text(other) != text {
			t.Errorf("the copy of %s is %q, want %q", name, f.Text(other), text)
		}
		if err := f.Parse(&o, f.Example, limit.Limits{}); err != nil || f.Text(o) != f.Example {
			t.Errorf("%s is %q, want %q (%v)", name, f.Text(o), f.Example, err)
		}
		if f.Copy(&other, Options{}); other != (Options{}) {
			t.Errorf("%s is still set: %+v", name, other)
		}
	}
}

// Each option takes its example, shows it, and can be handed on alone.
func TestFields(t *testing.T) {
	for _, f := range Fields() {
		var o, other Options
		if f.Text(o) != "" {
			t.Errorf("%s is set to %q although nobody did", f.Name, f.Text(o))
		}
		if err := f.Parse(&o, f.Example, limit.Limits{}); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		text := f.Text(o)
		if text == "" {
			t.Errorf("%s does not show that it is set", f.Name)
		}
		var again Options
		if err := f.Parse(&again, text, limit.Limits{}); err != nil || again != o {
			t.Errorf("%s: what it shows, %q, is read as something else (%v)", f.Name, text, err)
		}
		if f.Copy(&other, o); other != o {
			t.Errorf("%s: the copy is %+v, want %+v", f.Name, other, o)
		}
		if found, ok := Find(f.Name); !ok || found.Name != f.Name {
			t.Errorf("%s is not found by its name", f.Name)
		}
		for _, bad := range []string{"", " ", "\n", "a;b", "$x", "{", strings.Repeat("9", 30) + "!"} {
			before := o
			if err := f.Parse(&o, bad, limit.Limits{}); err == nil {
				t.Errorf("%s takes %q", f.Name, bad)
			} else if o != before {
				t.Errorf("%s: %q has changed something although it is refused", f.Name, bad)
			}
		}
	}
	if _, ok := Find("nope"); ok {
		t.Error("an unknown option is found")
	}
}

// What looks like a misspelt protection is told from what doesn't.
func TestProtects(t *testing.T) {
	for name, want := range map[string]bool{"allowSourceRange": true, "AllowSourceRanges": true, "authz": true, "denyFrom": true, "ipRanges": true, "tragetPath": false, "x": false, "": false} {
		if Protects(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
