//! Camera and light: rays against a person's distance field.

use super::Setting;
use super::person::{Material, Person};
use super::solid::{V, noise, v};
use crate::canvas::Canvas;
use crate::colour::Colour;
use crate::dice::Dice;

/// A lit studio, in linear light.
struct Lights {
    /// Towards the main light.
    key: V,
    key_colour: V,
    /// From above and from below.
    sky: V,
    ground: V,
    /// Towards the light behind the person.
    back: V,
    back_colour: V,
}

impl Lights {
    fn of(setting: Setting, dice: &mut Dice) -> Self {
        let side = if dice.chance(0.5) { 1.0 } else { -1.0 };
        let key = v(
            side * dice.range(0.5, 0.95),
            dice.range(0.35, 0.75),
            dice.range(0.45, 0.85),
        )
        .unit();
        let back = v(-side * 0.8, 0.5, -0.7).unit();
        let lights = |key_colour: V, sky: V, ground: V, back_colour: V| Self {
            key,
            key_colour,
            sky,
            ground,
            back,
            back_colour,
        };
        match setting {
            Setting::Window => lights(
                v(1.75, 1.8, 1.9),
                v(0.30, 0.32, 0.36),
                v(0.22, 0.17, 0.13),
                v(0.3, 0.28, 0.25),
            ),
            Setting::Lamp => lights(
                v(1.9, 1.45, 0.98),
                v(0.16, 0.13, 0.12),
                v(0.15, 0.10, 0.07),
                v(0.5, 0.28, 0.12),
            ),
            Setting::Park => lights(
                v(1.6, 1.55, 1.4),
                v(0.62, 0.70, 0.80),
                v(0.22, 0.28, 0.14),
                v(1.1, 1.1, 0.9),
            ),
            Setting::Street => lights(
                v(1.1, 0.9, 0.75),
                v(0.10, 0.12, 0.20),
                v(0.10, 0.08, 0.08),
                v(0.5, 0.8, 1.4),
            ),
            Setting::Sunset => lights(
                v(1.3, 1.05, 0.82),
                v(0.36, 0.37, 0.46),
                v(0.24, 0.18, 0.13),
                v(3.0, 1.9, 1.0),
            ),
            Setting::Studio => lights(
                v(1.6, 1.57, 1.52),
                v(0.34, 0.34, 0.36),
                v(0.26, 0.25, 0.25),
                v(0.9, 0.9, 0.95),
            ),
        }
    }
}

/// The longer side that is marched; larger pictures are scaled up from it, as soft as a lens.
const MARCHED_PX: u32 = 512;
/// The farthest that a ray goes, in head units.
const FAR: f32 = 14.0;

/// Renders `person` on a transparent layer for a picture of `width` × `height` pixels.
pub fn render(
    person: &Person,
    setting: Setting,
    (width, height): (u32, u32),
    dice: &mut Dice,
) -> Option<Canvas> {
    let shrink = (width.max(height) as f32 / MARCHED_PX as f32).max(1.0);
    let (columns, rows) = (
        (width as f32 / shrink).ceil() as u32,
        (height as f32 / shrink).ceil() as u32,
    );
    let mut layer = Canvas::new(columns, rows, 1.0)?;
    let lights = Lights::of(setting, dice);
    let aspect = width as f32 / height as f32;
    // Half a picture height holds this many head units: a head is a third of the picture high.
    let reach = if aspect < 0.8 {
        dice.range(1.7, 2.0) / aspect.max(0.5) * 0.72
    } else {
        dice.range(1.75, 2.5)
    };
    let shift = v(
        -aspect * dice.jitter(0.35) * reach,
        -reach * dice.range(0.18, 0.27),
        0.0,
    );
    let camera = Camera {
        eye: v(0.0, 0.0, 9.0) + shift,
        pixel: 2.0 * reach / rows as f32 / 9.0,
        centre: (columns as f32 / 2.0, rows as f32 / 2.0),
    };
    let starts = Starts::new(person, &camera, columns, rows);
    for (i, out) in layer
        .pixmap_mut()
        .data_mut()
        .chunks_exact_mut(4)
        .enumerate()
    {
        let (column, row) = (i as u32 % columns, i as u32 / columns);
        let Some(start) = starts.at(column, row) else {
            continue;
        };
        let ray = camera.ray(column as f32 + 0.5, row as f32 + 0.5);
        let Some(hit) = walk(person, camera.eye, ray, camera.pixel, start) else {
            continue;
        };
        let light = shade(
            person,
            &lights,
            camera.eye + ray * hit.way,
            ray,
            hit.material,
        );
        for (byte, channel) in out.iter_mut().zip([light.x, light.y, light.z]) {
            *byte = (film(channel) * hit.cover * 255.0 + 0.5) as u8;
        }
        out[3] = (hit.cover * 255.0 + 0.5) as u8;
    }
    Some(layer)
}

/// A camera that looks along -z.
struct Camera {
    eye: V,
    /// A pixel's side at distance 1.
    pixel: f32,
    /// The middle of the picture in pixels.
    centre: (f32, f32),
}

impl Camera {
    fn ray(&self, x: f32, y: f32) -> V {
        v(
            (x - self.centre.0) * self.pixel,
            (self.centre.1 - y) * self.pixel,
            -1.0,
        )
        .unit()
    }
}

/// How far the rays of each block of pixels may go at once, from one thick ray per block.
struct Starts {
    across: u32,
    ways: Vec<Option<f32>>,
}

impl Starts {
    /// A block's side in pixels.
    const BLOCK: u32 = 8;
    /// The nearest that anything comes to the camera.
    const NEAR: f32 = 5.5;

    fn new(person: &Person, camera: &Camera, columns: u32, rows: u32) -> Self {
        let (across, down) = (columns.div_ceil(Self::BLOCK), rows.div_ceil(Self::BLOCK));
        let half = Self::BLOCK as f32 / 2.0;
        let way = |i: u32| {
            let (x, y) = (
                (i % across * Self::BLOCK) as f32 + half,
                (i / across * Self::BLOCK) as f32 + half,
            );
            let ray = camera.ray(x, y);
            let mut way = Self::NEAR;
            for _ in 0..48 {
                let distance = person.distance(camera.eye + ray * way).0;
                // Half the block's diagonal, and a pixel for its soft edge.
                let thickness = (half * 1.45 + 1.0) * camera.pixel * way;
                if distance < thickness {
                    return Some(way);
                }
                way += (distance - thickness * 0.7) * 0.85;
                if way > FAR {
                    return None;
                }
            }
            Some(way)
        };
        Self {
            across,
            ways: (0..across * down).map(way).collect(),
        }
    }

    /// Where the ray of a pixel starts; None where it meets nothing.
    fn at(&self, column: u32, row: u32) -> Option<f32> {
        self.ways[(row / Self::BLOCK * self.across + column / Self::BLOCK) as usize]
    }
}

struct Hit {
    way: f32,
    cover: f32,
    material: Material,
}

/// Sphere tracing; a ray that grazes the surface covers its pixel in part.
fn walk(person: &Person, eye: V, ray: V, pixel: f32, start: f32) -> Option<Hit> {
    let mut way = start;
    let mut closest: Option<Hit> = None;
    for _ in 0..64 {
        let (distance, material) = person.distance(eye + ray * way);
        let footprint = pixel * way;
        if distance < footprint * 0.25 {
            return Some(Hit {
                way,
                cover: 1.0,
                material,
            });
        }
        let cover = 1.0 - distance / footprint;
        if cover > closest.as_ref().map_or(0.0, |hit| hit.cover) {
            closest = Some(Hit {
                way,
                cover,
                material,
            });
        }
        way += distance * 0.85;
        if way > FAR {
            break;
        }
    }
    closest
}

fn normal(person: &Person, p: V) -> V {
    let e = 0.012;
    let tetra = [
        v(1.0, -1.0, -1.0),
        v(-1.0, -1.0, 1.0),
        v(-1.0, 1.0, -1.0),
        v(1.0, 1.0, 1.0),
    ];
    tetra
        .into_iter()
        .fold(V::default(), |sum, d| {
            sum + d * person.distance(p + d * e).0
        })
        .unit()
}

/// How much of the main light arrives, 0 to 1: soft, as from a window.
fn shadow(person: &Person, p: V, towards: V) -> f32 {
    let (mut light, mut way) = (1.0f32, 0.09);
    for _ in 0..7 {
        let distance = person.distance(p + towards * way).0;
        light = light.min(0.5 + 4.5 * distance / way * 0.5);
        way += distance.clamp(0.08, 0.50);
        if light < 0.02 || way > 3.0 {
            break;
        }
    }
    let light = light.clamp(0.0, 1.0);
    light * light * (3.0 - 2.0 * light)
}

fn occlusion(person: &Person, p: V, n: V) -> f32 {
    let near = person.distance(p + n * 0.10).0 / 0.10;
    let far = person.distance(p + n * 0.35).0 / 0.35;
    (0.25 + 0.35 * near.clamp(0.0, 1.0) + 0.40 * far.clamp(0.0, 1.0)).clamp(0.0, 1.0)
}

fn linear(colour: Colour) -> V {
    let curve = |channel: f32| channel.powf(2.2);
    v(curve(colour.r), curve(colour.g), curve(colour.b))
}

/// A film's curve from light to sRGB.
fn film(light: f32) -> f32 {
    let x = light.max(0.0) * 0.72;
    let toned = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14);
    toned.clamp(0.0, 1.0).powf(1.0 / 2.2)
}

fn shade(person: &Person, lights: &Lights, p: V, ray: V, material: Material) -> V {
    let n = normal(person, p);
    let base = linear(person.colour(p, material));
    let facing = n.dot(lights.key);
    // Skin lets light creep around the edge of a shadow, and reddens it.
    let (wrap, creep) = match material {
        Material::Skin | Material::Lips => (0.28, v(0.07, 0.025, 0.012)),
        Material::Hair => (0.20, V::default()),
        Material::Eye | Material::Cloth => (0.05, V::default()),
    };
    let lit = ((facing + wrap) / (1.0 + wrap)).max(0.0);
    let shadow = if lit > 0.0 {
        shadow(person, p + n * 0.03, lights.key)
    } else {
        0.0
    };
    let edge = (1.0 - (facing / 0.35).abs()).max(0.0) * shadow;
    let open = occlusion(person, p, n);
    let ambient = lights.ground.mix(lights.sky, n.y * 0.5 + 0.5) * open;
    let mut light = base.times(lights.key_colour * (lit * shadow) + ambient) * 0.62;
    light = light + base.times(creep) * edge * 1.5;
    let half = (lights.key - ray).unit();
    let rim = (1.0 + n.dot(ray)).clamp(0.0, 1.0).powi(3);
    let behind = n.dot(lights.back).max(0.0);
    light = light + lights.back_colour.times(base + v(0.05, 0.05, 0.05)) * (behind * rim * 0.9);
    match material {
        Material::Skin | Material::Lips => {
            let shine = n.dot(half).max(0.0);
            light + lights.key_colour * (shadow * (0.05 * shine.powi(14) + 0.05 * shine.powi(60)))
        }
        Material::Eye => {
            let shine = n.dot(half).max(0.0);
            light * 0.9 + lights.key_colour * (0.9 * shine.powi(220))
        }
        Material::Hair => {
            // Strands run down: they shine where the light stands square to them.
            let strand = v(n.x * 0.2, -1.0, n.z * 0.2 + 0.25).unit();
            let along = strand.dot(half) + 0.12 * noise(v(p.x * 22.0, p.y * 2.0, p.z * 22.0));
            let shine = (1.0 - along * along).max(0.0).powi(26);
            light
                + (base * 1.6 + v(0.02, 0.02, 0.02)).times(lights.key_colour)
                    * (shine * shadow * 0.55)
        }
        Material::Cloth => light,
    }
}
