using System.Text.Json;
using Deepseek.Inference.Server.Tests.Page.Support;

namespace Deepseek.Inference.Server.Tests.Page;

[Collection(BrowserGroup.Name)]
public sealed class PageMarkdownTests(Browser browser)
{
    private const string Whole = "(() => { const box = document.createElement('div'); box.append(...m.renderMarkdown(x)); return box; })()";

    /// <summary>A text, and the markup that a browser writes for the nodes that were built of it.</summary>
    public static TheoryData<string, string> Texts => new()
    {
        { "plain & <b>simple</b>", "<p>plain &amp; &lt;b&gt;simple&lt;/b&gt;</p>" },
        { "one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>" },
        { "# One\n### Three ###\n#no", "<h3>One</h3><h5>Three</h5><p>#no</p>" },
        { "*a* **b** ***c*** ~~d~~ _e_ snake_case_name", "<p><em>a</em> <strong>b</strong> <em><strong>c</strong></em> <del>d</del> <em>e</em> snake_case_name</p>" },
        { "**粗体。**后文 2 * 3 * 4 and a**b", "<p><strong>粗体。</strong>后文 2 * 3 * 4 and a**b</p>" },
        { "`a*b*` ``x ` y`` `open", "<p><code>a*b*</code> <code>x ` y</code> `open</p>" },
        { "\\*no\\* \\<", "<p>*no* &lt;</p>" },
        { "\\(a_1 * b_2\\) and $$x^*$$", "<p><span class=\"formula\">\\(a_1 * b_2\\)</span> and <span class=\"formula\">$$x^*$$</span></p>" },
        { "- a\n- b\n  - c\n    - d\n- e", "<ul><li>a</li><li>b<ul><li>c<ul><li>d</li></ul></li></ul></li><li>e</li></ul>" },
        { "3. a\n4. b\n\nafter", "<ol start=\"3\"><li>a</li><li>b</li></ol><p>after</p>" },
        { "1. a\n\n   more\n\n2. b", "<ol><li><p>a</p><p>more</p></li><li><p>b</p></li></ol>" },
        { "in\n1984. was", "<p>in<br>1984. was</p>" },
        { "> a\nb\n> > c", "<blockquote><p>a<br>b</p><blockquote><p>c</p></blockquote></blockquote>" },
        { "a\n\n---\n\nb", "<p>a</p><hr><p>b</p>" },
        {
            "| a | b |\n|---|--:|\n| 1 | 2\\|3 |\n| x |",
            "<div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table><thead><tr><th scope=\"col\">a</th><th scope=\"col\" class=\"to-end\">b</th></tr></thead>" +
            "<tbody><tr><td>1</td><td class=\"to-end\">2|3</td></tr><tr><td>x</td><td class=\"to-end\"></td></tr></tbody></table></div>"
        },
        { "```html\n<script>alert(1)</script>\n```", Code("html", "&lt;script&gt;alert(1)&lt;/script&gt;") },
        { "````\n```\ninner\n```\n````", Code("", "```\ninner\n```") },
        { "~~~py\nopen\n\nstill", Code("py", "open\n\nstill") },
        { "[name](https://a.example/x_(y)) <https://b.example> see https://c.example/d.", $"<p>{Link("https://a.example/x_(y)", "name")} {Link("https://b.example/", "https://b.example")} see {Link("https://c.example/d", "https://c.example/d")}.</p>" },
        { "[mail](mailto:a@b.example \"title\") [**b**](http://x.example)", $"<p>{Link("mailto:a@b.example", "mail")} {Link("http://x.example/", "<strong>b</strong>")}</p>" },
        { "![alt](https://a.example/p.png)", $"<p>{Link("https://a.example/p.png", "alt")}</p>" },
        { "[https://a.example](https://a.example)", $"<p>{Link("https://a.example/", "https://a.example")}</p>" },
        { "[relative](page/app.js) [x](//a.example)", "<p>relative (page/app.js) x (//a.example)</p>" },
    };

    /// <summary>Texts that would do harm, were any of them taken for markup or for an address.</summary>
    public static TheoryData<string> Hostile =>
    [
        "<script>window.harm = 1</script>",
        "<img src=x onerror=\"window.harm = 1\">",
        "<svg onload=\"window.harm = 1\"><a xlink:href=\"javascript:window.harm=1\">x</a></svg>",
        "&lt;script&gt;window.harm = 1&lt;/script&gt; &#60;img src=x onerror=window.harm=1&#62;",
        "[click](javascript:window.harm=1)",
        "[click](JaVaScRiPt:window.harm=1) [a](java\tscript:window.harm=1) [b](&#106;avascript:window.harm=1)",
        "[click](<javascript:window.harm=1>) <javascript:window.harm=1>",
        "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
        "[click](vbscript:x) [f](file:///etc/passwd) [b](blob:https://a.example/1)",
        "![x](https://a.example/p.png\"onerror=\"window.harm=1)",
        "[x](https://a.example \"\" onmouseover=\"window.harm=1\")",
        "```\"><img src=x onerror=window.harm=1>\ncode\n```",
        "````\n```\n<script>window.harm = 1</script>\n```\n````",
        "| <img src=x onerror=window.harm=1> | b |\n|---|---|\n| [y](javascript:window.harm=1) | `<script>` |",
        "# <iframe srcdoc=\"<script>parent.harm=1</script>\">",
        "- > 1. <style>@import 'https://a.example/'</style>",
        "<base href=\"https://a.example/\"><meta http-equiv=refresh content=\"0;url=https://a.example/\"><form action=https://a.example><button>x</button></form>",
    ];

    [Fact]
    public async Task Render_EveryText_BuildsTheExpectedNodes()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);

        foreach (var (text, expected) in Texts.Select(row => row.Data))
            Assert.Equal(expected, await MarkupAsync(session, text));
        session.RequireClean();
    }

    [Fact]
    public async Task Render_HostileText_IsTextAndLinksToNothingElse()
    {
        const string Look = """
            (() => {
              const box = document.createElement("div");
              box.append(...m.renderMarkdown(x));
              document.body.append(box);
              box.querySelectorAll("a").forEach(link => link.dispatchEvent(new MouseEvent("mouseover")));
              const allowed = ["P", "BR", "H3", "UL", "OL", "LI", "BLOCKQUOTE", "A", "CODE", "PRE", "DIV", "SPAN", "BUTTON", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD", "EM", "STRONG"];
              const attributes = ["class", "tabindex", "role", "aria-label", "type", "title", "scope", "href", "target", "rel"];
              return [...box.querySelectorAll("*")].flatMap(node => [
                ...(allowed.includes(node.tagName) ? [] : [node.tagName]),
                ...[...node.attributes].filter(attribute => !attributes.includes(attribute.name)).map(attribute => attribute.name),
                ...(node.tagName === "A" && !/^(https?:|mailto:)/.test(node.href) ? [node.href] : []),
                ...(window.harm ? ["harm"] : []),
              ]);
            })()
            """;
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);

        foreach (var text in Hostile.Select(row => row.Data))
            Assert.Equal([], (await session.CallAsync("markdown-view.js", Look, text)).EnumerateArray().Select(fault => $"{text}: {fault}"));
        session.RequireClean();
    }

    [Fact]
    public async Task Grow_AnyPieces_GivesTheNodesOfTheWhole()
    {
        // Every text of the two lists one after the other, so that blocks end in all kinds of others, in pieces of every length from 1 on.
        const string Differences = """
            (() => {
              const whole = document.createElement("div");
              whole.append(...m.renderMarkdown(x));
              const faults = [];
              for (let size = 1; size <= 40; size++) {
                const box = document.createElement("div");
                const growing = new m.GrowingMarkdown(box);
                for (let at = 0; at < x.length; at += size) {
                  growing.append(x.slice(at, at + size));
                  growing.flush();
                }
                if (!box.isEqualNode(whole))
                  faults.push(size);
              }
              return faults;
            })()
            """;
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        var texts = Texts.Select(row => row.Data.Item1).Concat(Hostile.Select(row => row.Data)).ToList();

        foreach (var text in (string[])[.. texts, string.Join("\n\n", texts), string.Join("\n", texts), string.Join("\r\n", texts.AsEnumerable().Reverse())])
        {
            var faults = await session.CallAsync("markdown-view.js", Differences, text);
            Assert.True(faults.GetArrayLength() == 0, $"Pieces of {faults} characters give other nodes than the whole of: {text}");
        }

        session.RequireClean();
    }

    [Fact]
    public async Task Grow_BlocksThatEnded_AreLeftAlone()
    {
        const string Kept = """
            (() => {
              const box = document.createElement("div");
              const growing = new m.GrowingMarkdown(box);
              growing.append("# Title\n\nfirst\n\n- a");
              growing.flush();
              const [title, first] = box.children;
              for (const piece of ["\n- b", "\n\nlast", " words"]) {
                growing.append(piece);
                growing.flush();
              }
              return [title === box.children[0], first === box.children[1], box.children.length];
            })()
            """;
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);

        var kept = await session.CallAsync("markdown-view.js", Kept);

        Assert.Equal("[true,true,4]", kept.GetRawText());
    }

    [Fact]
    public async Task Render_MarksAlone_ComesToAnEnd()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var session = await browser.OpenAsync(server.Address);
        string[] units = ["*a ", "_a_ *", "**", "[", "[](", "`", "`a``", "> ", "- ", "| ", "\\(", "~~a", "<https://", "1. \n  ", "*a_b ~~"];

        foreach (var unit in units)
        {
            var text = string.Concat(Enumerable.Repeat(unit, 8_000));
            var shown = await session.CallAsync("markdown-view.js", $"{Whole}.textContent.length", text);
            Assert.Equal(JsonValueKind.Number, shown.ValueKind);
        }

        session.RequireClean();
    }

    private static async Task<string> MarkupAsync(PageSession session, string text) =>
        (await session.CallAsync("markdown-view.js", $"{Whole}.innerHTML", text)).GetString()!;

    private static string Link(string address, string text) => $"<a href=\"{address}\" title=\"{address}\" target=\"_blank\" rel=\"noopener noreferrer\">{text}</a>";

    private static string Code(string language, string text) =>
        $"<div class=\"code\"><div class=\"code-head\"><span>{(language.Length > 0 ? language : "text")}</span><button type=\"button\" class=\"quiet\" title=\"Copy the code\">Copy</button></div>" +
        $"<pre tabindex=\"0\" role=\"group\" aria-label=\"Code{(language.Length > 0 ? $", {language}" : "")}\"><code>{text}</code></pre></div>";
}
