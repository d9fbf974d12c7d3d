use super::*;

#[test]
fn static_html_is_minified_around_template_tags() {
    let text = "{% if a %}\n  <ul  class=\"x\">\n    <li> {{ b }} </li>\n  </ul>\n{% endif %}";
    let short = template(text);
    assert!(short.contains("<ul class=x>"), "{short}");
    assert!(short.contains("<li>{{ b }}</li>"), "{short}");
    assert!(short.starts_with("{% if a %}") && short.ends_with("{% endif %}"), "{short}");
}

#[test]
fn attributes_with_template_syntax_stay_as_they_are() {
    let text = "<a   href=\"{{ url }}\"\n   {% if x %}aria-current=\"page\"{% endif %} class='{{ c }}'>y</a>";
    let expected =
        "<a href=\"{{ url }}\"\n{% if x %}aria-current=\"page\"{% endif %} class='{{ c }}'>y</a>";
    assert_eq!(template(text), expected);
}

#[test]
fn an_element_opened_in_two_branches_is_not_closed_twice() {
    let text = "{% if a %}<div class=\"b\">{% else %}<div>{% endif %}   x   </div>";
    let short = template(text);
    assert_eq!(short.matches("</div>").count(), 1, "{short}");
    assert_eq!(short.matches("<div").count(), 2, "{short}");
    assert!(!short.contains("   "), "{short}");
}

#[test]
fn braces_and_quotes_inside_template_tags_mean_nothing() {
    for text in [
        "<p>{{ \"}}>\" }}</p>",
        "<h{{ level }} class=\"a  b\">x</h{{ level }}>",
        "<p title=\"{{ a | replace(from='>', to=\"<\") }}\">x</p>",
        "{% <ui.card title=\"a > b\"> %}<b>x</b>{% </ui.card> %}",
    ] {
        assert_eq!(template(text), text);
    }
}

#[test]
fn preformatted_text_keeps_its_spaces() {
    let text = "<pre>  a\n    {{ b }}</pre>";
    assert_eq!(template(text), text);
    let unbalanced = "<div><pre>  a\n    {{ b }}</pre>   ";
    assert!(template(unbalanced).contains("<pre>  a\n    {{ b }}</pre>"));
}

#[test]
fn inline_scripts_are_minified_and_data_is_left_alone() {
    let text = "<script>\n  const a = 1;\n  document.title = a;\n</script>";
    let short = template(text);
    assert!(short.len() < text.len() && short.starts_with("<script>"), "{short}");
    let data = "<script type=\"application/ld+json\">{\"a\": {{ b | json }}}</script>";
    assert_eq!(template(data), data);
}

#[test]
fn a_template_that_cannot_be_read_is_left_to_the_engine() {
    for text in ["<p>{{ a ", "<a href=\"x", "{% if", "<!-- never closed", "\u{f8fd}"] {
        assert_eq!(template(text), text);
    }
}

proptest::proptest! {
    /// Whatever the template, its tags come back whole and in order.
    #[test]
    fn template_tags_survive(parts in proptest::collection::vec(proptest::sample::select(vec![
        "<div>", "</div>", " ", "\n  ", "<p class=\"a b\">", "{{ x }}", "{% if y %}", "{% endif %}",
        "<a href=\"{{ u }}\">", "</a>", "text", "<br>", "<!-- c -->", "<li>", "&amp;", "<pre>", "</pre>",
    ]), 0..24)) {
        let text = parts.concat();
        let short = template(&text);
        let tags = |text: &str| -> Vec<String> {
            text.split('{').skip(1).map(|tag| tag.split('}').next().unwrap_or_default().to_owned()).collect()
        };
        proptest::prop_assert_eq!(tags(&text), tags(&short));
    }
}
