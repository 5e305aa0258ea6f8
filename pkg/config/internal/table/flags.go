package table

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/30x/dispatcher/pkg/cluster"
)

// Declare declares a setting's flag. All of them are text: values are parsed later, so
// that one wrong value doesn't hide the next.
func (s Setting) Declare(flags *pflag.FlagSet) {
	flags.String(s.Flag(), s.Def, s.Help)
	if s.Arg == "" {
		flags.Lookup(s.Flag()).NoOptDefVal = "true"
	}
}

// Choose takes the flag's value, else the environment's, else the default.
func (s Setting) Choose(flags *pflag.FlagSet, environ map[string]string) string {
	if f := flags.Lookup(s.Flag()); f.Changed {
		return f.Value.String()
	}
	if value, ok := environ[s.Env]; ok {
		return value
	}
	return s.Def
}

// Taken says that arguments that are no flags are taken by the caller.
const Taken = "-"

// ParseFlags reads the arguments that follow the command, args[0]. argument is what to
// do about any that is no flag. The error is pflag.ErrHelp if they ask for help.
func ParseFlags(flags *pflag.FlagSet, args []string, argument string) error {
	hint := fmt.Sprintf("see 'dispatcher %s --help'", args[0])
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError // only a flag that isn't text
	)
	switch err := flags.Parse(args[1:]); {
	case err == nil:
	case errors.Is(err, pflag.ErrHelp):
		return pflag.ErrHelp
	case errors.As(err, &unknown):
		return fmt.Errorf("unknown flag %s: %s", spelled(unknown), hint)
	case errors.As(err, &missing):
		return fmt.Errorf("flag %s needs a value: %s", spelled(missing), hint)
	case errors.As(err, &invalid):
		return fmt.Errorf("--%s: %s is not a boolean: give true or false", invalid.GetFlag().Name, Shown(invalid.GetValue()))
	default:
		return fmt.Errorf("unreadable flags %s: %s", cluster.Quote(err.Error()), hint)
	}
	if flags.NArg() == 0 || argument == Taken {
		return nil
	}
	arg := flags.Arg(0)
	switch {
	case arg == "true" || arg == "false":
		hint = "give a boolean flag its value with '=', like --access-log=false"
	case argument != "":
		hint = argument
	}
	return fmt.Errorf("unexpected argument %s: %s", cluster.Quote(arg), hint)
}

// spelled is a flag as it was written, which pflag's errors tell.
func spelled(err interface {
	GetSpecifiedName() string
	GetSpecifiedShortnames() string
}) string {
	if letters := err.GetSpecifiedShortnames(); letters != "" {
		return cluster.Quote("-" + letters)
	}
	return cluster.Quote("--" + err.GetSpecifiedName())
}
