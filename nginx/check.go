package nginx

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
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
type RejectedError = message.Refusal

// CertificateError says that one certificate of a configuration can't be used:
// nginx refuses it, and then it holds a *RejectedError, or its folder is no place
// for its files. Without that certificate the rest may be served.
type CertificateError = certs.Error

// Test asks nginx whether it would take f, and changes nothing of what it serves. The
// errors are those of Apply; a refused text is not kept.
func (s *Server) Test(ctx context.Context, f render.Files) error {
	ctx, cancel := proc.Until(ctx, s.closing, errClosing)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.certs.Write(f.Certificates)
	if err == nil {
		if err = s.test(ctx, f, false); err == nil {
			err = s.conf.Unstage()
		}
	}
	if untidy := s.certs.Undo(); untidy != nil {
		s.o.Log.Warn("not all files are as they should be", "error", untidy)
	}
	return err
}

// test stages f and asks nginx whether it takes it. A test that could not be
// made to the end says nothing about f, and isn't a RejectedError. keep says whether a
// text that is refused is kept for whoever wants to look at it.
func (s *Server) test(ctx context.Context, f render.Files, keep bool) error {
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
			return s.reject(messages, bad, keep)
		}
	}
	removed := s.conf.Unstage()
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

// reject gives the error for a refused text, and keeps it if that is wanted. bad is the
// certificate that nginx refuses it for, nil if it's another reason.
func (s *Server) reject(messages []string, bad *CertificateError, keep bool) error {
	kept := ""
	var err error
	if keep {
		kept, err = s.conf.Reject()
	} else {
		err = s.conf.Unstage()
	}
	if err != nil {
		return err
	}
	e := message.Refuse(messages, s.conf.Next(), kept)
	if bad == nil {
		return e
	}
	bad.Err = e
	return bad
}
