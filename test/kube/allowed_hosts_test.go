package kube

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestAllowedHosts: the operator's list is a ConfigMap that is read whatever OVERRIDES
// says. Without it nobody has a host, and each change of it counts at once.
func TestAllowedHosts(t *testing.T) {
	t.Parallel()
	s := begin(t)
	operator, shop, blog := s.namespace("operator"), s.namespace("shop"), s.namespace("blog")
	shop.pod("web", "/").run()
	blog.pod("posts", "/").run()
	d := s.dispatcher("--allowed-hosts="+operator.name+"/hosts", "--overrides=none", "--event-window=10ms")
	closed := func(n *namespace) {
		t.Helper()
		s.eventually(n.host+" is closed", func() bool { return d.Try(n.host, "/").Closed() })
	}
	closed(shop)
	closed(blog)

	lists := s.client.CoreV1().ConfigMaps(operator.name)
	list := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "hosts"}, Data: map[string]string{shop.name: shop.host}}
	_, err := lists.Create(s.ctx, list, metav1.CreateOptions{})
	s.must(err)
	d.Serves(shop.host, "/", "web")
	closed(blog)

	list.Data = map[string]string{"_others": "*.example.com", shop.name: "elsewhere.example.com"}
	_, err = lists.Update(s.ctx, list, metav1.UpdateOptions{})
	s.must(err)
	d.Serves(blog.host, "/", "posts")
	closed(shop)

	// A tenant's ConfigMap of that name is none.
	_, err = s.client.CoreV1().ConfigMaps(shop.name).Create(s.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "hosts"}, Data: map[string]string{shop.name: "*"}}, metav1.CreateOptions{})
	s.must(err)
	s.must(lists.Delete(s.ctx, "hosts", metav1.DeleteOptions{}))
	closed(blog)
	closed(shop)
}
