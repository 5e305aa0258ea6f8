// Package sidecar joins a controller and an nginx that run in two containers, and
// as two users, of one Pod. In the controller's container, what is rendered enters
// a Client and goes through a unix socket in the shared work folder; in nginx's,
// Serve hands it to the nginx.Server there, and what came of it goes back. It never
// looks into a configuration, and never gives the other side more than its results.
//
// Whoever may write to the socket decides what nginx serves: the user of nginx's
// container, and the members of its group.
package sidecar

import (
	"errors"
	"time"

	"github.com/30x/dispatcher/nginx"
	"github.com/30x/dispatcher/pkg/render"
)

// Socket gives the path of the socket for a work folder.
func Socket(workDir string) string { return nginx.RunPath(workDir, "sidecar.sock") }

// files is a render.Files on its way. Its secrets are in plain sight here: that is
// what the socket is for.
type files struct {
	Generation   string
	Conf         []byte
	Secrets      [][]byte
	Certificates []certificate
}

type certificate struct {
	Folder, Name, Alias, ID string
	Content                 []byte
}

func pack(f render.Files) files {
	out := files{Generation: f.Generation, Conf: f.Conf}
	for _, s := range f.Secrets {
		out.Secrets = append(out.Secrets, s)
	}
	for _, c := range f.Certificates {
		out.Certificates = append(out.Certificates, certificate{c.Folder, c.Name, c.Alias, c.ID, c.Content})
	}
	return out
}

func (f files) unpack() render.Files {
	out := render.Files{Generation: f.Generation, Conf: f.Conf}
	for _, s := range f.Secrets {
		out.Secrets = append(out.Secrets, s)
	}
	for _, c := range f.Certificates {
		out.Certificates = append(out.Certificates, render.CertificateFile{Folder: c.Folder, Name: c.Name, Alias: c.Alias, ID: c.ID, Content: c.Content})
	}
	return out
}

// result is what came of applying a configuration.
type result struct {
	Steps   []step // of which nginx.Options.Observe was told
	Error   string // "" if nginx serves it
	Refused bool
	Words   string  // nginx's, if it refuses it
	Line    int     // that they name, 0 if none
	Blamed  *blamed // the one certificate at fault, if that is so
}

type step struct {
	Name string
	Took time.Duration
}

type blamed struct{ Host, ID, Reason string }

// Instance is what there is to know of a sidecar from its start to its end.
type Instance struct {
	ID               string // another one after each start
	Nginx            string // the output of nginx -V
	OpenFiles        uint64 // the limit that nginx's workers may get
	WorkDir, CertDir string
}

// state is how nginx is now.
type state struct {
	ID           string // of the Instance
	Alive, Stale bool
}

// refused is what an error may say: the text itself is at fault.
type refused interface {
	error
	Refused() bool
}

// refusal is what an error may say: nginx's words, and the line that they name.
type refusal interface {
	error
	Words() (words string, line int)
}

// badCertificate is what an error may say: one certificate is at fault.
type badCertificate interface {
	error
	Certificate() (host, id, reason string)
}

// report puts an error into a result.
func (r *result) report(err error) {
	if err == nil {
		return
	}
	r.Error = err.Error()
	if e := refused(nil); errors.As(err, &e) {
		r.Refused = e.Refused()
	}
	if e := refusal(nil); errors.As(err, &e) {
		r.Words, r.Line = e.Words()
	}
	if e := badCertificate(nil); errors.As(err, &e) {
		r.Blamed = new(blamed)
		r.Blamed.Host, r.Blamed.ID, r.Blamed.Reason = e.Certificate()
	}
}

// err makes the error again that was reported, as far as anybody asks.
func (r *result) err() error {
	switch {
	case r.Error == "":
		return nil
	case r.Blamed != nil:
		return &certificateError{applyError{*r}, *r.Blamed}
	case r.Words != "":
		return &refusedError{applyError{*r}}
	}
	return &applyError{*r}
}

type applyError struct{ result result }

func (e *applyError) Error() string { return e.result.Error }

// Refused reports that the text is at fault, so that only another text helps.
func (e *applyError) Refused() bool { return e.result.Refused }

type refusedError struct{ applyError }

// Words gives nginx's own words, and the line that it names, 0 if none.
func (e *refusedError) Words() (words string, line int) { return e.result.Words, e.result.Line }

type certificateError struct {
	applyError
	blamed blamed
}

// Certificate gives what has to be left out of the next configuration, and why.
func (e *certificateError) Certificate() (host, id, reason string) {
	return e.blamed.Host, e.blamed.ID, e.blamed.Reason
}
