// Package e2e proves the main job through the doors alone: it boots the real
// programs as child processes and talks to them as their users do.
package e2e
