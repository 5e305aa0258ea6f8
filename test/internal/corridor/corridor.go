// Package corridor walks the pure rooms for tests. Settings and Kubernetes
// objects enter; what Dispatcher would serve leaves: the table, the problems and
// nginx's configuration. It never runs nginx and never reads a cluster.
package corridor

import (
	"fmt"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/nginx"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/templates"
)

// Corridor is the pure rooms, furnished with settings.
type Corridor struct {
	Config  *config.Config
	Options route.Options
	Params  render.Params
}

// New furnishes the rooms with the built-in templates and the settings that
// environ ("NAME=value") and flags give. It assumes an nginx that can all that
// the settings ask for.
func New(environ []string, flags ...string) (*Corridor, error) {
	cfg, err := config.Load(append([]string{config.CommandRender, "-f", "-"}, flags...), environ)
	if err != nil {
		return nil, err
	}
	texts, err := templates.Load("")
	if err != nil {
		return nil, err
	}
	parsed, err := render.ParseTemplates(texts)
	if err != nil {
		return nil, err
	}
	params := cfg.RenderParams()
	params.Templates, params.Nginx = parsed, render.Stable()
	if cfg.SSLCert != "" {
		if params.Default, err = readPair(cfg.SSLCert, cfg.SSLKey); err != nil {
			return nil, err
		}
	}
	params.PidFile, params.ControlSocket, params.TempDir = nginx.Paths(cfg.WorkDir)
	options := cfg.RouteOptions()
	options.Sticky = params.Nginx.Sticky
	return &Corridor{cfg, options, params}, nil
}

func readPair(chainFile, keyFile string) (*certificate.Pair, error) {
	chain, err := os.ReadFile(chainFile)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	return certificate.NewPair(chain, key)
}

// NewCache makes an empty cache that keeps what Build reads.
func (c *Corridor) NewCache() *cluster.Cache {
	return cluster.NewCache(c.Config.Selector, c.Options.Interest())
}

// Build gives what should be served of the objects, which are fed in their order.
func (c *Corridor) Build(objects ...metav1.Object) (*route.Table, []route.Problem, error) {
	cache := c.NewCache()
	for _, o := range objects {
		if _, err := cache.Set(o); err != nil {
			return nil, nil, fmt.Errorf("set: %w", err)
		}
	}
	table, problems := route.Build(cache.Snapshot(), c.Options)
	return table, problems, nil
}

// Render lays the table out as nginx.conf.
func (c *Corridor) Render(t *route.Table) (render.Files, error) { return render.Render(t, c.Params) }
