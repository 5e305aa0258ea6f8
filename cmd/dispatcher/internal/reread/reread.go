// Package reread reads files of the operator again when they change: templates and
// the default certificate. Paths enter; changes of render.Params leave, and only those
// that can be used. It never writes a file, and never takes what can't be used.
package reread

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"

	"github.com/30x/dispatcher/internal/watch"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/templates"
)

// Templates hands over each new set of templates that can be parsed.
func Templates(ctx context.Context, dir string, changes chan<- controller.Change, log *slog.Logger) {
	var last map[string]string // they may have changed since they were read
	templates.Watch(ctx, dir, func() {
		texts, err := templates.Load(dir)
		if err == nil && maps.Equal(texts, last) {
			return
		}
		var parsed *render.Templates
		if err == nil {
			last = texts
			parsed, err = render.ParseTemplates(texts)
		}
		if err != nil {
			log.Error("the changed templates can't be used; the last good ones stay in use", "reason", err)
			return
		}
		hand(ctx, changes, "templates", func(p render.Params) render.Params {
			p.Templates = parsed
			return p
		})
	}, func(err error) { warnOfWatch(log, "templates", err) })
}

// Pair hands over each new default certificate that can be used.
func Pair(ctx context.Context, cfg *config.Config, last *certificate.Pair, changes chan<- controller.Change, log *slog.Logger) {
	said := ""
	watch.Paths(ctx, []string{cfg.SSLCert, cfg.SSLKey}, nil, func() {
		pair, err := LoadPair(cfg)
		if err != nil {
			if err.Error() != said {
				log.Error("the changed default certificate can't be used; the last good one stays in use", "reason", err)
			}
			said = err.Error()
			return
		}
		said = ""
		if pair.ID() != last.ID() {
			last = pair
			hand(ctx, changes, "default certificate", func(p render.Params) render.Params {
				p.Default = pair
				return p
			})
		}
	}, func(err error) { warnOfWatch(log, "the default certificate", err) })
}

// LoadPair reads the default certificate and its key.
func LoadPair(cfg *config.Config) (*certificate.Pair, error) {
	chain, err := readAtMost(cfg.SSLCert, certificate.MaxField)
	if err != nil {
		return nil, fmt.Errorf("read SSL_CERT: %w", err)
	}
	key, err := readAtMost(cfg.SSLKey, certificate.MaxField)
	if err != nil {
		return nil, fmt.Errorf("read SSL_KEY: %w", err)
	}
	pair, err := certificate.NewPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("the default certificate of SSL_CERT and SSL_KEY can't be used: %w", err)
	}
	return pair, nil
}

// readAtMost reads a file, but no more than one byte over the limit.
func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

func hand(ctx context.Context, changes chan<- controller.Change, what string, apply func(render.Params) render.Params) {
	select {
	case changes <- controller.Change{What: what, Apply: apply}:
	case <-ctx.Done():
	}
}

func warnOfWatch(log *slog.Logger, what string, err error) {
	log.Warn("some changes are noticed within 30 s only", "of", what, "reason", err, "todo", "raise fs.inotify.max_user_instances and max_user_watches")
}
