// Package outside opens what reads the cluster and what writes to it. Settings enter; a
// source of objects and tellers leave. It never decides what is served.
package outside

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/config"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/events"
	"github.com/30x/dispatcher/pkg/ingressstatus"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/backend"
	"github.com/30x/dispatcher/pkg/source"
	"github.com/30x/dispatcher/pkg/source/names"
)

// Open opens the source of objects. It also gives the client of the cluster, nil if there
// is none, and adds to the options what it finds out about the cluster.
func Open(cfg *config.Config, options *route.Options, log *slog.Logger) (controller.Source, kubernetes.Interface, error) {
	if cfg.Source != config.SourceKube {
		return source.NewFiles(cfg.Source, log), nil, nil
	}
	rest, how, err := source.Connect(source.KubeOptions{Kubeconfig: cfg.Kubeconfig, Host: cfg.KubeHost})
	if err != nil {
		return nil, nil, err
	}
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return nil, nil, fmt.Errorf("make a Kubernetes client: %w", err)
	}
	if at, err := url.Parse(rest.Host); err == nil && options.Ingress != nil {
		if ip, err := netip.ParseAddr(at.Hostname()); err == nil {
			options.Ingress.APIServer = append(options.Ingress.APIServer, ip.Unmap())
		}
	}
	klog.SetSlogLogger(log) // client-go's own words
	log.Info("watching the cluster", "by", how)
	return source.NewKube(client, scope(cfg, *options), log), client, nil
}

// scope is what of a cluster is watched for these options.
func scope(cfg *config.Config, o route.Options) source.Scope {
	if d := o.Director; d != nil {
		return source.Scope{Namespace: d.Namespace, Services: true, Claims: []string{}}
	}
	in := o.Interest()
	s := source.Scope{
		Namespaces:   cfg.Selector,
		Pods:         cfg.Selector,
		Claims:       []string{o.PathsAnnotation},
		Secret:       o.SecretName,
		TLSSecrets:   in.TLSSecrets,
		Services:     in.Services,
		Ingresses:    o.Ingress != nil,
		StatefulSets: true,
		ConfigMaps:   in.Overrides,
		WholeMap:     in.ConfigMap.Name,
	}
	if m := o.Microservice; m != nil {
		s.Claims = slices.Concat(s.Claims, m.HostsAnnotations, m.PathsAnnotations)
		s.Namespaces, s.Pods = nil, nil
		if _, one := m.Selector.Requirements(); one {
			s.Pods = m.Selector
		}
	}
	if in.Services || o.Microservice != nil && o.Dispatcher {
		s.Namespaces, s.Pods = nil, nil // no one selector chooses them
	}
	return s
}

// withNames is a source that tells the addresses of names outside the cluster, too.
type withNames struct {
	controller.Source
	names *names.Resolver
}

// AddNames adds to a source the names that the cache wants and an operator lets be looked up.
func AddNames(objects controller.Source, cache *cluster.Cache, o route.Options, log *slog.Logger) controller.Source {
	if o.Ingress == nil || len(o.Ingress.ExternalNames) == 0 {
		return objects
	}
	wanted := func() []string {
		return slices.DeleteFunc(cache.WantedNames(), func(name string) bool { return !backend.Allows(o.Ingress.ExternalNames, name) })
	}
	return withNames{objects, &names.Resolver{Wanted: wanted, Log: log}}
}

// Run sends the Events of both until ctx is done.
func (w withNames) Run(ctx context.Context, events chan<- source.Event) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.names.Run(ctx, events) })
	group.Go(func() error { return w.Source.Run(ctx, events) })
	return group.Wait()
}

// Tellers write to the cluster what Reports say: Events of problems, and the status of
// Ingresses. What they give is called with each Report. The error is about settings.
func Tellers(ctx context.Context, group *errgroup.Group, client kubernetes.Interface, cfg *config.Config, uid func(cluster.Ref) string, log *slog.Logger) ([]func(controller.Report), error) {
	var out []func(controller.Report)
	ctx = klog.NewContext(ctx, klog.Logger{}) // they tell of failures themselves
	if cfg.Events {
		recorder := events.New(client.CoreV1(), uid, log)
		group.Go(func() error { return recorder.Run(ctx) })
		out = append(out, recorder.Set)
	}
	if cfg.WritesStatus() {
		namespace, identity, err := ingressstatus.Here(os.Getenv)
		if err != nil {
			return nil, fmt.Errorf("write the status of Ingresses: %w, or STATUS=false", err)
		}
		writer := ingressstatus.New(client, ingressstatus.Options{
			Namespace: namespace, Identity: identity, Class: cfg.IngressClass, Controller: cfg.IngressController,
			Addresses: cfg.PublishAddresses, Service: cfg.PublishService,
		}, log)
		group.Go(func() error { return writer.Run(ctx) })
		out = append(out, writer.Set)
	}
	return out, nil
}
