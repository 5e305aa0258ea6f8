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
		return &certificateError{applyError{r.Error, r.Refused}, *r.Blamed}
	}
	return &applyError{r.Error, r.Refused}
}

type applyError struct {
	text    string
	refused bool
}

func (e *applyError) Error() string { return e.text }

// Refused reports that the text is at fault, so that only another text helps.
func (e *applyError) Refused() bool { return e.refused }

type certificateError struct {
	applyError
	blamed blamed
}

// Certificate gives what has to be left out of the next configuration, and why.
func (e *certificateError) Certificate() (host, id, reason string) {
	return e.blamed.Host, e.blamed.ID, e.blamed.Reason
}
