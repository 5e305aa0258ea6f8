// Package compare holds what render --diff is asked: which manifests to compare with
// which. Flags and arguments enter; two lists of paths leave, or what is wrong with them.
// It never reads a manifest.
package compare

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/30x/dispatcher/pkg/config/internal/parse"
	"github.com/30x/dispatcher/pkg/config/internal/table"
)

// Compare is what is compared with the manifests of Config.Files, if Diff is set.
type Compare struct {
	Diff bool     // print what differs, and no configuration
	Old  []string // files, folders or "-"; at least one if Diff is set
}

// name is the flag's; two dashes go before it.
const name = "diff"

// DeclareDiff declares the flag.
func (c *Compare) DeclareDiff(flags *pflag.FlagSet) {
	flags.BoolVar(&c.Diff, name, false, "Print what differs between two sets of manifests, a line for each host and path, and the problems that are new on stderr: dispatcher render --diff OLD... -- NEW...")
}

// Arguments is how arguments that are no flags are to be read, for table.ParseFlags.
func Arguments(args []string) string {
	for _, a := range args {
		if a == "--" {
			break
		}
		if a == "--"+name || strings.HasPrefix(a, "--"+name+"=") {
			return table.Taken
		}
	}
	return "give each manifest file or folder with -f"
}

// ReadPaths reads which manifests are meant: those of -f, or with --diff those that stand
// before and after two dashes.
func (c *Compare) ReadPaths(flags *pflag.FlagSet, files *[]string) []error {
	const usage = "write dispatcher render --diff OLD... -- NEW... with paths of manifests"
	args, dash := flags.Args(), flags.ArgsLenAtDash()
	switch {
	case !c.Diff && len(args) > 0:
		return []error{errors.New("manifests are named without -f, and --diff is false: " + usage)}
	case !c.Diff:
		return parse.Files(*files)
	case len(*files) > 0:
		return []error{errors.New("--file (-f) and --diff: both are given: " + usage)}
	case dash < 1 || dash == len(args):
		return []error{errors.New("--diff: there must be manifests both before and after two dashes: " + usage)}
	}
	c.Old, *files = args[:dash], args[dash:]
	switch isStdin := func(path string) bool { return path == "-" }; {
	case slices.Contains(args, ""):
		return []error{errors.New("--diff: \"\" is not a path: give files, folders, or - for standard input")}
	case slices.ContainsFunc(c.Old, isStdin) && slices.ContainsFunc(*files, isStdin):
		return []error{errors.New("--diff: - is given both before and after the two dashes, and standard input can be read only once: give one of the two as a file")}
	}
	return nil
}
