package quarantine

import (
	"errors"

	"github.com/30x/dispatcher/pkg/controller/internal/account"
	"github.com/30x/dispatcher/pkg/controller/internal/culprit"
	"github.com/30x/dispatcher/pkg/controller/internal/entries"
	"github.com/30x/dispatcher/pkg/route"
)

// Verdict is what nginx says of a table.
type Verdict struct {
	Refused bool
	Words   string                       // why
	Blame   func() (entries.Entry, bool) // the entry that its words point to, if they do; may be nil
}

// refusal is what a Proxy's error may say: nginx's words, fit for a log, and the line
// of the configuration that they name, 0 if none.
type refusal interface {
	Words() (words string, line int)
}

// Judge gives the verdict on a table, whose configuration is conf, that err is the
// answer to. What isn't about the text as a whole, or about one certificate, is no verdict.
func Judge(err error, conf []byte, t *route.Table) (Verdict, error) {
	switch {
	case err == nil:
		return Verdict{}, nil
	case !account.IsRefused(err) || culprit.Concerns(err):
		return Verdict{}, err
	}
	var r refusal
	if !errors.As(err, &r) {
		return Verdict{Refused: true, Words: err.Error()}, nil
	}
	words, line := r.Words()
	return Verdict{Refused: true, Words: words, Blame: func() (entries.Entry, bool) { return entries.At(conf, line, t) }}, nil
}
