import { createContext, useContext, type ReactNode } from "react";

/** Whether the shell is around what is shown. */
export const Framed = createContext(false);

/** What stands in the place of a page. There is one main part: the shell's, or its own where that is missing. */
export function InPlaceOfPage({ children }: { children: ReactNode }) {
  return useContext(Framed) ? <div className="broken">{children}</div> : <main className="page broken">{children}</main>;
}
