using Deepseek.Inference.Nano;
using Deepseek.Inference.Server;
using Microsoft.Extensions.Hosting;

// The first argument names a model's folder; without one, the embedded deepseek-nano is served. The second is the port, 8080 by default.
var folder = args.Length > 0 ? args[0] : NanoModel.Folder;
var port = args.Length > 1 ? int.Parse(args[1]) : 8080;

await using var app = DeepseekServer.Create(model => model.ModelPath = folder, port: port);
await app.StartAsync();
Console.WriteLine($$"""
    Listening on {{app.Urls.First()}}
    curl {{app.Urls.First()}}/v1/chat/completions -H "Content-Type: application/json" -d '{"model": "deepseek-nano", "messages": [{"role": "user", "content": "What is 123 + 456?"}]}'
    """);
await app.WaitForShutdownAsync();
