package legacy

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestArgs(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"-namespace=default -service test -v=2 -v 3": "--namespace=default --service test --v=2 --v 3",
		"--namespace=default -h --help":              "--namespace=default -h --help",
		"-logtostderr - -- -service=a":               "--logtostderr - -- -service=a",
		"":                                           "",
	} {
		args := strings.Fields(in)
		if got := strings.Join(Args(args), " "); got != want || strings.Join(args, " ") != in {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

// All ways in which glog's flags can be written are understood, and only these flags.
func TestDeclareAndGiven(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":             "",
		"-logtostderr": "--logtostderr",
		"-alsologtostderr=true -logtostderr -v 2 -stderrthreshold=ERROR -vmodule a=2 -log_dir=/tmp -log_backtrace_at=a.go:1": "--logtostderr --alsologtostderr --v --vmodule --stderrthreshold --log_dir --log_backtrace_at",
		"-logtostderr=false -v=6": "--logtostderr --v",
	} {
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		Declare(flags)
		if err := flags.Parse(Args(strings.Fields(in))); err != nil || flags.NArg() != 0 {
			t.Errorf("%q: %v, %q", in, err, flags.Args())
		}
		if got := Given(flags); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	Declare(flags)
	if err := flags.Parse(Args([]string{"-logtostder"})); err == nil {
		t.Error("a flag that glog does not have is accepted")
	}
}
