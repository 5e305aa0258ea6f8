// Package legacy reads command lines that were written for kube-pod-director, a program
// with Go's own package flag and glog. Arguments enter; arguments as Dispatcher's flags
// are written leave, and which of glog's flags are among them. It never gives one of
// these a meaning.
package legacy

import (
	"strings"

	"github.com/spf13/pflag"
)

// Args writes flags with one dash, which package flag takes for those with two, with
// two. It leaves -h alone, and all that follows "--".
func Args(args []string) []string {
	out := make([]string, 0, len(args))
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		if len(arg) > 1 && arg[0] == '-' && arg[1] != '-' && arg != "-h" {
			arg = "-" + arg
		}
		out = append(out, arg)
	}
	return out
}

// Declare lets flags have those of glog, hidden from help. Their values don't matter.
func Declare(flags *pflag.FlagSet) {
	for _, name := range names() {
		flags.String(name, "", "")
		flag := flags.Lookup(name)
		flag.Hidden = true
		if strings.HasSuffix(name, "logtostderr") {
			flag.NoOptDefVal = "true"
		}
	}
}

// Given lists those of glog's flags that were given, with both dashes.
func Given(flags *pflag.FlagSet) []string {
	var given []string
	for _, name := range names() {
		if flags.Changed(name) {
			given = append(given, "--"+name)
		}
	}
	return given
}

func names() []string {
	return []string{"logtostderr", "alsologtostderr", "v", "vmodule", "stderrthreshold", "log_dir", "log_backtrace_at"}
}
