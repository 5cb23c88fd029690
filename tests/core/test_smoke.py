def test_home(place):
    b = place.browser("staff.upper")
    r = b.get("/upper/")
    assert r.status_code == 200, r.get_data(as_text=True)[:3000]
    for u in ("/upper/residents/people/", "/upper/canteen/meals/", "/upper/canteen/diners/", "/upper/residents/tags/","/upper/residents/tags/new/","/upper/residents/people/new/","/upper/canteen/diners/new/"):
        r = b.get(u)
        assert r.status_code == 200, (u, r.get_data(as_text=True)[:3000])
    f = b.form("/upper/residents/tags/new/")
    r = b.post("/upper/residents/tags/new/", {**f, "name": "测试标签"})
    assert r.status_code == 302
    assert "测试标签" in b.get("/upper/residents/tags/").get_data(as_text=True)
    s = place.browser("street")
    assert s.get("/street/canteen/meals/").status_code == 200
    assert s.get("/street/").status_code == 200
    assert b.get("/lower/").status_code == 404
