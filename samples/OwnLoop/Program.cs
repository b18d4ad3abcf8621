using Andrea;
using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;

// y = w x + b, fitted to y = 3 x - 1 by hand-written gradients. Your tensors stay yours: Andrea only borrows them.
float[] w = [0f], b = [0f], dw = [0f], db = [0f];
using Device device = Device.Cpu();
using var parameters = new ExternalTensors().Add("w", w).Add("b", b);
using var gradients = new ExternalTensors().Add("w", dw).Add("b", db);
using var clipper = new GradClipper(device, gradients, new GradClipperOptions { MaxNorm = 1 });
using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
for (int step = 0; step < 2000; step++)
{
    float x = step % 7 - 3, error = w[0] * x + b[0] - (3 * x - 1);
    (dw[0], db[0]) = (2 * error * x, 2 * error);
    optimizer.Step(learningRate: 0.01); // one pass for the norm, one for clip and update together
}
Console.WriteLine($"w {w[0]:f2}, b {b[0]:f2}, clipped {clipper.Latest.ClippedCalls} of {clipper.Latest.Call} steps");
