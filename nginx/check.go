package nginx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/30x/dispatcher/nginx/internal/certs"
	"github.com/30x/dispatcher/nginx/internal/message"
	"github.com/30x/dispatcher/nginx/internal/proc"
	"github.com/30x/dispatcher/nginx/internal/program"
	"github.com/30x/dispatcher/pkg/render"
)

// RejectedError says that nginx refuses the text of a configuration. The last
// good one is still on disk and in service.
type RejectedError struct {
	Message string // nginx's own words, cut, without time and process id
	Line    int    // the line that nginx names, 0 if it names none
	Path    string // where the refused text is kept
}

// Refused reports that the text is at fault, so that only another text helps.
func (e *RejectedError) Refused() bool { return true }

func (e *RejectedError) Error() string {
	where := ""
	if e.Line > 0 {
		where = " in line " + strconv.Itoa(e.Line)
	}
	return fmt.Sprintf("nginx refuses the configuration%s: %s; the last good one stays in service, the refused one is kept in %s: %s",
		where, e.Message, e.Path, message.Hint(e.Message))
}

// CertificateError says that one certificate of a configuration can't be used:
// nginx refuses it, and then it holds a *RejectedError, or its folder is no place
// for its files. Without that certificate the rest may be served.
type CertificateError = certs.Error

// test stages f and asks nginx whether it takes it. A test that could not be
// made to the end says nothing about f, and isn't a RejectedError.
func (s *Server) test(ctx context.Context, f render.Files) error {
	defer s.observe("test", time.Now())
	if err := s.conf.Stage(f.Conf); err != nil {
		return err
	}
	// A nginx that dies meanwhile must not wait for its restart until the test ends.
	if p := s.proc.Load(); p.Alive() {
		var cancel context.CancelFunc
		ctx, cancel = proc.Until(ctx, p.Exited(), errors.New("nginx ended meanwhile: it is being started again"))
		defer cancel()
	}
	limited, cancel := context.WithTimeout(ctx, s.o.TestTimeout)
	defer cancel()
	words, err := program.Test(limited, s.o.Binary, s.o.WorkDir, s.conf.Next())
	if err == nil {
		return nil
	}
	for _, secret := range f.Secrets { // nginx quotes what it does not understand
		words = strings.ReplaceAll(words, string(secret), "***")
	}
	messages := message.Emergencies(words)
	var exit *exec.ExitError
	var touched error
	if limited.Err() == nil && errors.As(err, &exit) && len(messages) > 0 && !slices.ContainsFunc(messages, message.Passing) {
		touched = s.certs.Blame(messages, f.Certificates)
		bad := (*CertificateError)(nil)
		if touched == nil || errors.As(touched, &bad) {
			return s.reject(messages, bad)
		}
	}
	removed := os.Remove(s.conf.Next())
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case limited.Err() != nil:
		err = fmt.Errorf("no answer within %s: is the machine overloaded?", s.o.TestTimeout)
	case touched != nil:
		err = touched
	case exit != nil:
		err = fmt.Errorf("%w: %s", err, message.Tidy(words))
	}
	return errors.Join(fmt.Errorf("test the configuration: %w", err), removed)
}

// reject keeps the refused text and gives the error for it. bad is the certificate
// that nginx refuses it for, nil if it's another reason.
func (s *Server) reject(messages []string, bad *CertificateError) error {
	kept, err := s.conf.Reject()
	if err != nil {
		return err
	}
	e := &RejectedError{Path: kept}
	for i, m := range messages {
		rest, path, line := message.Locate(m)
		if path != s.conf.Next() {
			continue
		}
		messages[i] = rest
		if e.Line == 0 {
			e.Line = line
		}
	}
	e.Message = message.Tidy(strings.Join(messages, "; "))
	if bad == nil {
		return e
	}
	bad.Err = e
	return bad
}
