using Andrea;
using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;

// A network of one hidden layer, fitted to y = sin(3 x) by hand-written gradients. The arrays stay yours: Andrea only borrows them.
const int Hidden = 16, Points = 64;
float[] w = new float[Hidden], b = new float[Hidden], v = new float[Hidden];
float[] dw = new float[Hidden], db = new float[Hidden], dv = new float[Hidden], h = new float[Hidden];
for (int i = 0; i < Hidden; i++)
    (w[i], b[i], v[i]) = (i % 5 - 2, i % 7 - 3, 0.1f * (i % 3 - 1));
using Device device = Device.Cpu();
using var parameters = new ExternalTensors().Add("w", w).Add("b", b).Add("v", v);
using var gradients = new ExternalTensors().Add("w", dw).Add("b", db).Add("v", dv);
using var clipper = new GradClipper(device, gradients, new GradClipperOptions { MaxNorm = 1 });
using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
float loss = 0;
for (int step = 0; step < 2000; step++)
{
    loss = 0;
    foreach (float[] gradient in (float[][])[dw, db, dv])
        gradient.AsSpan().Clear();
    for (int point = 0; point < Points; point++)
    {
        float x = 2f * point / Points - 1, error = -MathF.Sin(3 * x);
        for (int i = 0; i < Hidden; i++)
            error += v[i] * (h[i] = MathF.Tanh(w[i] * x + b[i]));
        loss += error * error / Points;
        for (int i = 0; i < Hidden; i++)
        {
            float dy = 2 * error / Points, dh = dy * v[i] * (1 - h[i] * h[i]);
            (dv[i], dw[i], db[i]) = (dv[i] + dy * h[i], dw[i] + dh * x, db[i] + dh);
        }
    }
    optimizer.Step(learningRate: 0.01); // one pass for the norm, one for clip and update together
}
Console.WriteLine($"loss {loss:f6}, clipped {clipper.Latest.ClippedCalls} of {clipper.Latest.Call} steps");
