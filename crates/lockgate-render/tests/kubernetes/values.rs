//! Any value reaches its container as it is.

use std::collections::BTreeMap;

use lockgate_render::render;
use proptest::prelude::*;

use crate::common::manifests::objects;
use crate::common::{request, text};
use crate::shop::{SHOP, by_content, object};

/// As the kubelet fills `$(NAME)` in: `$$` is a dollar, and what is not known stays.
fn expanded(text: &str, known: &BTreeMap<&str, String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|it| it.split_once(')')) {
            result.push_str(known.get(name).map_or(&format!("$({name})"), |it| it));
            rest = after;
        } else {
            result.push('$');
        }
    }
    result + rest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_value_reads_back(value in prop_oneof![any::<String>(), "[ -~\n]{0,40}", "(\\$\\$|\\$\\{\\{ x \\}\\}|\\{\\{ y \\}\\}|\\$\\(z\\)|\\$\\(TOKEN\\)|#|: |'|\"|\\\\|\n){1,6}"]) {
        // What begins as a reference of the spec is one.
        let value = value.replace("${", "$ {").replace('\0', "");
        let mut request = request(SHOP);
        for system in &mut request.systems {
            let web = system.services.iter_mut().find(|it| it.0.as_str() == "web").unwrap().1;
            web.env.insert("GREETING".to_owned(), value.clone());
            web.env.insert("COMPOSED".to_owned(), format!("x{value}${{secrets.TOKEN}}"));
            web.command = vec!["node".to_owned(), value.clone()];
        }
        let objects = objects([text(&render(&request).unwrap(), "deploy/kubernetes/prod/30-web.yaml")]);
        let greeting = &by_content(&objects, "ConfigMap", "web")["data"]["GREETING"];
        prop_assert_eq!(greeting.as_str().unwrap(), &value);
        let container = &object(&objects, "Deployment", "web")["spec"]["template"]["spec"]["containers"][0];
        let known = BTreeMap::from([("TOKEN", "secret".to_owned())]);
        let entry = container["env"].as_array().unwrap().iter().find(|it| it["name"] == "COMPOSED").unwrap();
        prop_assert_eq!(expanded(entry["value"].as_str().unwrap(), &known), format!("x{value}secret"));
        let argument = container["args"][1].as_str().unwrap();
        prop_assert_eq!(expanded(argument, &known), value);
    }
}
