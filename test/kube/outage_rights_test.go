package kube

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// account is a ServiceAccount of a test's own.
type account struct {
	*scenario
	name string
	role *rbacv1.ClusterRole // Dispatcher's, and bound to it
}

func (s *scenario) account() *account {
	s.t.Helper()
	a := &account{scenario: s, name: "dispatcher-" + rand.String(6)}
	_, err := s.client.CoreV1().ServiceAccounts("dispatcher").Create(s.ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: a.name}}, metav1.CreateOptions{})
	s.must(err)
	a.role, err = s.client.RbacV1().ClusterRoles().Get(s.ctx, "dispatcher", metav1.GetOptions{})
	s.must(err)
	a.role.ObjectMeta = metav1.ObjectMeta{Name: a.name}
	a.role, err = s.client.RbacV1().ClusterRoles().Create(s.ctx, a.role, metav1.CreateOptions{})
	s.must(err)
	_, err = s.client.RbacV1().ClusterRoleBindings().Create(s.ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: a.name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: a.name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "dispatcher", Name: a.name}},
	}, metav1.CreateOptions{})
	s.must(err)
	return a
}

// rules gives the account these rules and no others, and returns those it had.
func (a *account) rules(rules []rbacv1.PolicyRule) (before []rbacv1.PolicyRule) {
	a.t.Helper()
	before, a.role.Rules = a.role.Rules, rules
	var err error
	a.role, err = a.client.RbacV1().ClusterRoles().Update(a.ctx, a.role, metav1.UpdateOptions{})
	a.must(err)
	return before
}

// without is the account's rules but for those on a resource, or on any if it is "".
func (a *account) without(resource string) (rules []rbacv1.PolicyRule) {
	for _, r := range a.role.Rules {
		if resource != "" && !slices.Contains(r.Resources, resource) {
			rules = append(rules, r)
		}
	}
	return rules
}

// token makes a token of the account that ends with a Secret.
func (a *account) token(secret string) string {
	a.t.Helper()
	made, err := a.client.CoreV1().Secrets("dispatcher").Create(a.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secret}}, metav1.CreateOptions{})
	a.must(err)
	request, err := a.client.CoreV1().ServiceAccounts("dispatcher").CreateToken(a.ctx, a.name, &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		BoundObjectRef: &authenticationv1.BoundObjectReference{Kind: "Secret", APIVersion: "v1", Name: secret, UID: made.UID},
	}}, metav1.CreateOptions{})
	a.must(err)
	return request.Status.Token
}

// behindAs is behind with an account of the test's own, and its token in a file.
func behindAs(t *testing.T) (*stage, *gate, *account, string) {
	t.Helper()
	s := begin(t)
	a, g, file := s.account(), s.gate(), filepath.Join(t.TempDir(), "token")
	s.must(os.WriteFile(file, []byte(a.token(a.name+"-first")), 0o600))
	st := s.stage(func() *dispatcher.Dispatcher {
		return s.dispatcherBy(func(c *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) {
			g.through(c, user)
			user.Token, user.TokenFile = "", file
		})
	})
	return st, g, a, file
}

// TestOutageToken: the token that is in use ends, and a new one comes late.
func TestOutageToken(t *testing.T) {
	t.Parallel()
	st, g, a, file := behindAs(t)
	next := a.token(a.name + "-next")
	old, err := os.ReadFile(file)
	st.must(err)
	config := rest.AnonymousClientConfig(st.config)
	config.BearerToken = string(old)
	client, err := kubernetes.NewForConfig(config)
	st.must(err)
	st.must(st.client.CoreV1().Secrets("dispatcher").Delete(st.ctx, a.name+"-first", metav1.DeleteOptions{}))
	st.eventually("the API server refuses the old token", func() bool { // it remembers it for ten seconds
		_, err := client.CoreV1().Namespaces().List(st.ctx, metav1.ListOptions{Limit: 1})
		return apierrors.IsUnauthorized(err)
	})
	g.reset() // requests are refused, and not what goes on
	st.notices("does not accept the credentials")
	st.change()
	st.must(os.WriteFile(file, []byte(next), 0o600))
	st.returns(5 * time.Second)
}

// TestOutageRights: rights are taken away, all of them or those to one resource, for
// long enough that pauses between tries have grown as long as they get; the log says
// which rule is missing and what to apply.
func TestOutageRights(t *testing.T) {
	t.Parallel()
	for _, resource := range []string{"", "namespaces", "secrets"} {
		t.Run("all but "+resource, func(t *testing.T) {
			t.Parallel()
			st, g, a, _ := behindAs(t)
			rules := a.rules(a.without(resource))
			g.reset()
			for _, forbidden := range map[string][]string{"": {"namespaces", "pods", "secrets"}, "namespaces": {"namespaces", "pods"}, "secrets": {"secrets"}}[resource] {
				st.notices("forbids to list " + forbidden + " in all namespaces: known routes stay as they are")
				st.notices("apply deploy/base/rbac.yaml, or bind Dispatcher's account to a ClusterRole with this rule: list and watch on " + forbidden)
			}
			st.change()
			st.goesOn(8 * time.Second)
			a.rules(rules)
			st.returns(5 * time.Second)
		})
	}
}

// TestOutageNoSecrets: Pods come and go for as long as Secrets can't be read, and
// traffic follows them. A Dispatcher that starts then keeps what it finds.
func TestOutageNoSecrets(t *testing.T) {
	t.Parallel()
	st, g, a, _ := behindAs(t)
	old := st.open.pod("old", "/shop").run()
	st.d.Serves(st.open.host, "/shop", "old")
	rules := a.rules(a.without("secrets"))
	g.reset()
	st.notices("forbids to list secrets")
	old.vanish()
	next := &pod{st.open.server("next", old.Port), st.open}
	next.create("/shop")
	next.run()
	st.d.Serves(st.open.host, "/shop", "next")

	const words = "forbids to list secrets"
	st.d.Signal(syscall.SIGKILL)
	st.d.Wait()
	told := strings.Count(st.d.Log(), words)
	st.d.Begin(st.flags(st.d)...)
	st.eventually("the new process tells of it", func() bool { return strings.Count(st.d.Log(), words) > told })
	st.change()
	st.goesOn(2 * time.Second)
	a.rules(rules)
	st.returns(5 * time.Second)
}

// TestOutageNoEvents: without the right to write Events all is served, and the log
// says what is missing.
func TestOutageNoEvents(t *testing.T) {
	t.Parallel()
	st, _, a, _ := behindAs(t)
	a.rules(a.without("events"))
	st.change()
	st.returns(5 * time.Second)
	st.open.annotate(hostsKey, `{"`+st.open.host+`": {}, "no host": {}}`)
	st.d.Within(time.Minute, "the log names the missing rule", func() bool {
		log := st.d.Log()
		return strings.Contains(log, "an Event can't be written") && strings.Contains(log, "create and patch events") && strings.Contains(log, "deploy/base")
	})
}
