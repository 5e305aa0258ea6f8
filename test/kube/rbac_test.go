package kube

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// as returns a client with a token of a ServiceAccount, as its Pods have one.
func (s *scenario) as(namespace, account string) *kubernetes.Clientset {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "kubeconfig")
	s.must(s.tokenKubeconfig(s.ctx, path, namespace, account))
	config, err := clientcmd.BuildConfigFromFlags("", path)
	s.must(err)
	config.QPS = -1 // no limit
	client, err := kubernetes.NewForConfig(config)
	s.must(err)
	return client
}

// allowed asks the API server, with an account's own token, about every verb on
// every resource that it has, on all objects and on those of one name. It lists
// what is allowed as "verb resource.group/subresource", with "/name" if not on all.
func (s *scenario) allowed(client *kubernetes.Clientset, name string) (out []string) {
	s.t.Helper()
	_, lists, err := s.client.ServerGroupsAndResources()
	s.must(err)
	verbs := []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate", "bind", "escalate", "approve", "sign", "use"}
	var questions []authorizationv1.ResourceAttributes
	for _, list := range lists {
		group, _, grouped := strings.Cut(list.GroupVersion, "/")
		if !grouped {
			group = ""
		}
		for _, r := range list.APIResources {
			resource, sub, _ := strings.Cut(r.Name, "/")
			for _, verb := range verbs {
				questions = append(questions, authorizationv1.ResourceAttributes{Group: group, Resource: resource, Subresource: sub, Verb: verb})
			}
		}
	}
	if len(questions) < 1000 {
		s.t.Fatalf("only %d questions: has the API server told of all its resources?", len(questions))
	}
	ask := func(ctx context.Context, q authorizationv1.ResourceAttributes) (bool, error) {
		review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &q},
		}, metav1.CreateOptions{})
		return err == nil && review.Status.Allowed, err
	}
	var mu sync.Mutex
	s.parallel(len(questions), func(ctx context.Context, i int) error {
		q := questions[i]
		ok, err := ask(ctx, q)
		if err == nil && !ok {
			q.Name = name
			ok, err = ask(ctx, q)
		}
		if ok {
			right := q.Verb + " " + q.Resource
			for _, part := range []struct{ separator, text string }{{".", q.Group}, {"/", q.Subresource}, {"/", q.Name}} {
				if part.text != "" {
					right += part.separator + part.text
				}
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, right)
		}
		return err
	})
	slices.Sort(out)
	return slices.Compact(out) // some resources have several versions
}

// parallel calls a function with the numbers below n, some at a time.
func (s *scenario) parallel(n int, do func(ctx context.Context, i int) error) {
	s.t.Helper()
	var working sync.WaitGroup
	next := make(chan int)
	for range 8 {
		working.Go(func() {
			for i := range next {
				if err := do(s.ctx, i); err != nil {
					s.t.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	working.Wait()
}

// TestRights: DX17. What deploy/base lets Dispatcher do beyond what every
// ServiceAccount may, over all verbs and all resources of the API server, is
// these lines and no more.
func TestRights(t *testing.T) {
	t.Parallel()
	s := begin(t)
	plain := s.namespace("plain")
	_, err := s.client.CoreV1().ServiceAccounts(plain.name).Create(s.ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "plain"}}, metav1.CreateOptions{})
	s.must(err)
	everyone := s.allowed(s.as(plain.name, "plain"), "routing")
	if !slices.Contains(everyone, "create selfsubjectaccessreviews.authorization.k8s.io") {
		t.Errorf("every ServiceAccount may: %v", everyone)
	}
	if slices.ContainsFunc(everyone, func(right string) bool {
		return strings.Contains(right, "secrets") || strings.Contains(right, "pods")
	}) {
		t.Errorf("every ServiceAccount may too much: %v", everyone)
	}
	got := slices.DeleteFunc(s.allowed(s.as("dispatcher", "dispatcher"), "routing"), func(right string) bool { return slices.Contains(everyone, right) })
	want := []string{
		"create events", "patch events",
		"get namespaces", "list namespaces", "watch namespaces",
		"get pods", "list pods", "watch pods",
		"list secrets/routing", "watch secrets/routing",
		"get ingresses.networking.k8s.io", "list ingresses.networking.k8s.io", "watch ingresses.networking.k8s.io",
		"get ingressclasses.networking.k8s.io", "list ingressclasses.networking.k8s.io", "watch ingressclasses.networking.k8s.io",
		"list services", "watch services", "list endpointslices.discovery.k8s.io", "watch endpointslices.discovery.k8s.io",
		"list statefulsets.apps", "watch statefulsets.apps", "list configmaps", "watch configmaps",
		"update ingresses.networking.k8s.io/status",
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("may do:\n %s\nwant:\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}

	// The same as rules, which would show verbs and URLs that nobody has thought of.
	// In its own Namespace it may stand for the Lease by which the writer of the status of
	// Ingresses is elected, and nowhere else.
	for _, in := range []string{"default", "dispatcher", "kube-system", plain.name} {
		wantRules := everywhere("routing", true)
		if in == "dispatcher" {
			wantRules = atHome(wantRules, "ingress-status-dispatcher")
		}
		everyone := s.rules(s.as(plain.name, "plain"), in)
		got := slices.DeleteFunc(s.rules(s.as("dispatcher", "dispatcher"), in), func(rule string) bool { return slices.Contains(everyone, rule) })
		if !slices.Equal(got, wantRules) {
			t.Errorf("rules in Namespace %s:\n %s\nwant:\n %s", in, strings.Join(got, "\n "), strings.Join(wantRules, "\n "))
		}
	}
}

// everywhere are the rules that Dispatcher has in each Namespace, as rules lists them.
func everywhere(secret string, events bool) []string {
	out := []string{
		"[get list watch] [] [namespaces pods] [] []", "[get list watch] [networking.k8s.io] [ingresses ingressclasses] [] []",
		"[list watch] [] [configmaps] [] []", "[list watch] [] [secrets] [" + secret + "] []", "[list watch] [] [services] [] []",
		"[list watch] [apps] [statefulsets] [] []", "[list watch] [discovery.k8s.io] [endpointslices] [] []",
		"[update] [networking.k8s.io] [ingresses/status] [] []",
	}
	if events {
		out = append([]string{"[create patch] [] [events] [] []"}, out...)
	}
	return out
}

// atHome adds the rules that it has in its own Namespace, for these Leases.
func atHome(rules []string, leases string) []string {
	rules = append(slices.Clone(rules), "[create] [coordination.k8s.io] [leases] [] []", "[get update] [coordination.k8s.io] [leases] ["+leases+"] []")
	slices.Sort(rules)
	return rules
}

// rules lists the rules that hold for an account in a Namespace: verbs, groups,
// resources, names, URLs.
func (s *scenario) rules(client *kubernetes.Clientset, namespace string) (out []string) {
	s.t.Helper()
	review, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(s.ctx, &authorizationv1.SelfSubjectRulesReview{
		Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace},
	}, metav1.CreateOptions{})
	s.must(err)
	if review.Status.Incomplete {
		s.t.Errorf("the API server does not tell all rules: %s", review.Status.EvaluationError)
	}
	for _, r := range review.Status.ResourceRules {
		out = append(out, fmt.Sprint(r.Verbs, r.APIGroups, r.Resources, r.ResourceNames, []string{}))
	}
	for _, r := range review.Status.NonResourceRules {
		out = append(out, fmt.Sprint(r.Verbs, []string{}, []string{}, []string{}, r.NonResourceURLs))
	}
	slices.Sort(out)
	return out
}

// TestRightsInUse: DX17. With these rights Dispatcher routes and demands the key
// of the Secret named routing, while real requests for other Secrets, and for all
// of them, are refused.
func TestRightsInUse(t *testing.T) {
	t.Parallel()
	s := begin(t)
	shop := s.namespace("shop")
	shop.secret("routing", "api-key", "supersecret")
	shop.secret("other", "password", "hidden")
	shop.pod("web", "/app").run()
	d := s.dispatcher()
	if got := d.Ask(shop.host, "/app"); got.Status != http.StatusForbidden {
		t.Errorf("without the key: status %d", got.Status)
	}
	if got := d.Ask(shop.host, "/app", key("supersecret")); got.Pod != "web" {
		t.Errorf("with the key: %+v", got)
	}
	for line := range strings.Lines(d.Log()) {
		if strings.Contains(line, "forbidden") || strings.Contains(line, "msg=\"the cluster") {
			t.Errorf("the API server refuses something: %s", line)
		}
	}

	client := s.as("dispatcher", "dispatcher")
	for _, tc := range []struct {
		namespace, fields string
		allowed           bool
	}{
		{"", "metadata.name=routing", true},
		{shop.name, "metadata.name=routing", true},
		{"", "metadata.name=other", false},
		{shop.name, "metadata.name=other", false},
		{"", "", false},
		{shop.name, "", false},
		{"", "type=Opaque", false},
		{"", "metadata.name!=none", false},
		{"", "metadata.namespace=" + shop.name, false},
	} {
		where := fmt.Sprintf("Secrets in %q with fields %q", tc.namespace, tc.fields)
		options := metav1.ListOptions{FieldSelector: tc.fields}
		list, err := client.CoreV1().Secrets(tc.namespace).List(s.ctx, options)
		if apierrors.IsForbidden(err) == tc.allowed || err != nil && !apierrors.IsForbidden(err) {
			t.Errorf("list %s: %v", where, err)
		}
		if tc.allowed && (len(list.Items) == 0 || slices.ContainsFunc(list.Items, func(x corev1.Secret) bool { return x.Name != "routing" })) {
			t.Errorf("list %s: %d Secrets, or some of another name", where, len(list.Items))
		}
		w, err := client.CoreV1().Secrets(tc.namespace).Watch(s.ctx, options)
		if err == nil {
			w.Stop()
		}
		if apierrors.IsForbidden(err) == tc.allowed || err != nil && !apierrors.IsForbidden(err) {
			t.Errorf("watch %s: %v", where, err)
		}
	}
	for _, name := range []string{"other", "routing"} {
		if _, err := client.CoreV1().Secrets(shop.name).Get(s.ctx, name, metav1.GetOptions{}); !apierrors.IsForbidden(err) {
			t.Errorf("get Secret %s: %v", name, err)
		}
	}
}
