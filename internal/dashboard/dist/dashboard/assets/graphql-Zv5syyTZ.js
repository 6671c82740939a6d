import{i as e,n as t,t as n}from"./jsx-runtime-DyZJNswf.js";import{C as r,W as i,_ as a,b as o}from"./page-CNY8tiXk.js";import{A as s,C as c,D as l,E as u,M as d,O as f,S as p,T as m,_ as h,a as g,b as _,c as v,d as y,f as b,g as x,h as S,i as C,j as w,k as T,l as E,m as ee,o as te,p as D,r as ne,s as O,t as re,u as k,v as A,w as j,y as M}from"./mutation-ClofYcE5.js";function ie(e){return{onFetch:(t,n)=>{let r=t.options,i=t.fetchOptions?.meta?.fetchMore?.direction,a=t.state.data?.pages||[],o=t.state.data?.pageParams||[],s={pages:[],pageParams:[]},c=0,l=async()=>{let n=!1,l=t,u=e=>{b(e,()=>t.signal,()=>n=!0,l[x])},d=S(t.options,t.fetchOptions),f=async(e,r,i)=>{if(n)return Promise.reject(t.signal.reason);if(r==null&&e.pages.length)return Promise.resolve(e);let a=(()=>{let e={client:t.client,queryKey:t.queryKey,pageParam:r,direction:i?`backward`:`forward`,meta:t.options.meta};return u(e),e})(),o=await d(a),{maxPages:s}=t.options,c=i?ee:D;return{pages:c(e.pages,o,s),pageParams:c(e.pageParams,r,s)}};if(i&&a.length){let e=i===`backward`,t=e?P:N,n={pages:a,pageParams:o};s=await f(n,t(r,n),e)}else{let t=e??a.length;do{let e=c===0?o[0]===void 0?r.initialPageParam:o[0]:N(r,s);if(c>0&&e==null)break;s=await f(s,e),c++}while(c<t)}return s};t.fetchFn=t.options.persister?()=>t.options.persister?.(l,{client:t.client,queryKey:t.queryKey,meta:t.options.meta,signal:t.signal},n):l}}}function N(e,{pages:t,pageParams:n}){let r=t.length-1;return t.length>0?e.getNextPageParam(t[r],t,n[r],n):void 0}function P(e,{pages:t,pageParams:n}){return t.length>0?e.getPreviousPageParam?.(t[0],t,n[0],n):void 0}function F(e,t){return t?N(e,t)!=null:!1}function I(e,t){return!t||!e.getPreviousPageParam?!1:P(e,t)!=null}var L=class extends ne{#e;#t;#n;#r;#i;#a;#o;#s;#c;constructor(e){super(),this.#c=!1,this.#s=e.defaultOptions,this.setOptions(e.options),this.observers=[],this.#i=e.client,this.#r=this.#i.getQueryCache(),this.queryKey=e.queryKey,this.queryHash=e.queryHash,this.#t=B(this.options),this.state=e.state??this.#t,this.scheduleGc()}get meta(){return this.options.meta}get queryType(){return this.#e}get promise(){return this.#a?.promise}setOptions(e){if(this.options={...this.#s,...e},e?._type&&(this.#e=e._type),this.updateGcTime(this.options.gcTime),this.state&&this.state.data===void 0){let e=B(this.options);e.data!==void 0&&(this.setState(z(e.data,e.dataUpdatedAt)),this.#t=e)}}optionalRemove(){!this.observers.length&&this.state.fetchStatus===`idle`&&this.#r.remove(this)}setData(e,t){let n=u(this.state.data,e,this.options);return this.#l({data:n,type:`success`,dataUpdatedAt:t?.updatedAt,manual:t?.manual}),n}setState(e){this.#l({type:`setState`,state:e})}cancel(e){let t=this.#a?.promise;return this.#a?.cancel(e),t?t.then(j).catch(j):Promise.resolve()}destroy(){super.destroy(),this.cancel({silent:!0})}get resetState(){return this.#t}reset(){this.destroy(),this.setState(this.resetState)}isActive(){return this.observers.some(e=>l(e.options.enabled,this)!==!1)}isDisabled(){return this.getObserversCount()>0?!this.isActive():this.options.queryFn===s||!this.isFetched()}isFetched(){return this.state.dataUpdateCount+this.state.errorUpdateCount>0}isStatic(){return this.state.data!==void 0&&this.getObserversCount()>0&&this.observers.some(e=>l(e.options.staleTime,this)===`static`)}isStale(){return this.getObserversCount()>0?this.observers.some(e=>e.getCurrentResult().isStale):this.state.data===void 0||this.state.isInvalidated}isStaleByTime(e=0){return this.state.data===void 0?!0:e===`static`?!1:this.state.isInvalidated?!0:!w(this.state.dataUpdatedAt,e)}onFocus(){this.observers.find(e=>e.shouldFetchOnWindowFocus())?.refetch({cancelRefetch:!1}),this.#a?.continue()}onOnline(){this.observers.find(e=>e.shouldFetchOnReconnect())?.refetch({cancelRefetch:!1}),this.#a?.continue()}addObserver(e){this.observers.includes(e)||(this.observers.push(e),this.clearGcTimeout(),this.#r.notify({type:`observerAdded`,query:this,observer:e}))}removeObserver(e){let t=this.observers.indexOf(e);t!==-1&&(this.observers.splice(t,1),this.observers.length||(this.#a&&(this.#c||this.state.fetchStatus===`paused`&&this.state.status===`pending`?this.#a.cancel({revert:!0}):this.#a.cancelRetry()),this.scheduleGc()),this.#r.notify({type:`observerRemoved`,query:this,observer:e}))}getObserversCount(){return this.observers.length}invalidate(){this.state.isInvalidated||this.#l({type:`invalidate`})}async fetch(e,t){if(this.state.fetchStatus!==`idle`&&this.#a?.status()!==`rejected`){if(this.state.data!==void 0&&t?.cancelRefetch)this.cancel({silent:!0});else if(this.#a&&this.#o)return this.#a.continueRetry(),this.#o}if(e&&this.setOptions(e),!this.options.queryFn){let e=this.observers.find(e=>e.options.queryFn);e&&this.setOptions(e.options)}let n=new AbortController,r=e=>{Object.defineProperties(e,{[x]:{value:n.signal,enumerable:!0},signal:{enumerable:!0,get:()=>(this.#c=!0,n.signal)}})},i=()=>{let e=S(this.options,t),n=(()=>{let e={client:this.#i,queryKey:this.queryKey,meta:this.meta};return r(e),e})();return this.#c=!1,this.options.persister?this.options.persister(e,n,this):e(n)},a=(()=>{let e={fetchOptions:t,options:this.options,queryKey:this.queryKey,client:this.#i,state:this.state,fetchFn:i};return r(e),e})();(this.#e===`infinite`?ie(this.options.pages):this.options.behavior)?.onFetch(a,this),this.#n=this.state,(this.state.fetchStatus===`idle`||this.state.fetchMeta!==a.fetchOptions?.meta)&&this.#l({type:`fetch`,meta:a.fetchOptions?.meta});let o=this.#a=te({initialPromise:t?.initialPromise,fn:a.fetchFn,onCancel:e=>{e instanceof C&&e.revert&&this.setState({...this.#n,fetchStatus:`idle`}),n.abort()},onFail:(e,t)=>{this.#l({type:`failed`,failureCount:e,error:t})},onPause:()=>{this.#l({type:`pause`})},onContinue:()=>{this.#l({type:`continue`})},retry:a.options.retry,retryDelay:a.options.retryDelay,networkMode:a.options.networkMode,canRun:()=>!0}),s=(async()=>{try{let e=await o.promise;if(e===void 0)throw Error(`${this.queryHash} data is undefined`);return this.setData(e),this.#r.config.onSuccess?.(e,this),this.#r.config.onSettled?.(e,this.state.error,this),e}catch(e){if(e instanceof C){if(e.silent){if(this.#a!==o&&this.#o)return this.#o;throw e}if(e.revert){if(this.state.data===void 0)throw e;return this.state.data}}throw this.#l({type:`error`,error:e}),this.#r.config.onError?.(e,this),this.#r.config.onSettled?.(this.state.data,e,this),e}finally{this.#a===o&&(this.#a=void 0,this.#o=void 0),this.scheduleGc()}})();return this.#o=s,o.start(),s}#l(e){let t=t=>{switch(e.type){case`failed`:return{...t,fetchFailureCount:e.failureCount,fetchFailureReason:e.error};case`pause`:return{...t,fetchStatus:`paused`};case`continue`:return{...t,fetchStatus:`fetching`};case`fetch`:return{...t,...R(t.data,this.options),fetchMeta:e.meta??null};case`success`:{let n={...t,...z(e.data,e.dataUpdatedAt),dataUpdateCount:t.dataUpdateCount+1,...!e.manual&&{fetchStatus:`idle`,fetchFailureCount:0,fetchFailureReason:null}};return this.#n=e.manual?n:void 0,n}case`error`:{let n=e.error;return{...t,error:n,errorUpdateCount:t.errorUpdateCount+1,errorUpdatedAt:Date.now(),fetchFailureCount:t.fetchFailureCount+1,fetchFailureReason:n,fetchStatus:`idle`,status:`error`,isInvalidated:!0}}case`invalidate`:return{...t,isInvalidated:!0};case`setState`:return{...t,...e.state}}};this.state=t(this.state),v.batch(()=>{this.observers.slice().forEach(e=>{e.onQueryUpdate()}),this.#r.notify({query:this,type:`updated`,action:e})})}};function R(e,t){return{fetchFailureCount:0,fetchFailureReason:null,fetchStatus:g(t.networkMode)?`fetching`:`paused`,...e===void 0&&{error:null,status:`pending`}}}function z(e,t){return{data:e,dataUpdatedAt:t??Date.now(),error:null,isInvalidated:!1,status:`success`}}function B(e){let t=typeof e.initialData==`function`?e.initialData():e.initialData,n=t!==void 0,r=n?typeof e.initialDataUpdatedAt==`function`?e.initialDataUpdatedAt():e.initialDataUpdatedAt:0;return{data:t,dataUpdateCount:0,dataUpdatedAt:n?r??Date.now():0,error:null,errorUpdateCount:0,errorUpdatedAt:0,fetchFailureCount:0,fetchFailureReason:null,fetchMeta:null,isInvalidated:!1,status:n?`success`:`pending`,fetchStatus:`idle`}}var ae=class extends k{#e;#t=void 0;#n=void 0;#r=void 0;#i;#a;#o;#s;#c;#l;#u;#d;#f;#p=new Set;constructor(e,t){super(),this.options=t,this.#e=e,this.#o=null,this.bindMethods(),this.setOptions(t)}bindMethods(){this.refetch=this.refetch.bind(this)}onSubscribe(){this.listeners.size===1&&(this.#t.addObserver(this),V(this.#t,this.options)?this.#m():this.updateResult(),this.#y())}onUnsubscribe(){this.hasListeners()||this.destroy()}shouldFetchOnReconnect(){return H(this.#t,this.options,this.options.refetchOnReconnect)}shouldFetchOnWindowFocus(){return H(this.#t,this.options,this.options.refetchOnWindowFocus)}destroy(){this.listeners=new Set,this.#b(),this.#x(),this.#t.removeObserver(this)}setOptions(e){let t=this.options,n=this.#t;if(this.options=this.#e.defaultQueryOptions(e),this.options.enabled!==void 0&&typeof this.options.enabled!=`boolean`&&typeof this.options.enabled!=`function`&&typeof l(this.options.enabled,this.#t)!=`boolean`)throw Error(`Expected enabled to be a boolean or a callback that returns a boolean`);this.#S(),this.#t.setOptions(this.options),t._defaulted&&!f(this.options,t)&&this.#e.getQueryCache().notify({type:`observerOptionsUpdated`,query:this.#t,observer:this});let r=this.hasListeners();r&&U(this.#t,n,this.options,t)&&this.#m(),this.updateResult(),r&&(this.#t!==n||l(this.options.enabled,this.#t)!==l(t.enabled,this.#t)||l(this.options.staleTime,this.#t)!==l(t.staleTime,this.#t))&&this.#g();let i=this.#_();r&&(this.#t!==n||l(this.options.enabled,this.#t)!==l(t.enabled,this.#t)||i!==this.#f)&&this.#v(i)}getOptimisticResult(e){let t=this.#e.getQueryCache().build(this.#e,e),n=this.createResult(t,e);return f(this.getCurrentResult(),n)||(this.#r=n,this.#a=this.options,this.#i=this.#t.state),n}getCurrentResult(){return this.#r}trackResult(e,t){return new Proxy(e,{get:(e,n)=>(this.trackProp(n),t?.(n),Reflect.get(e,n))})}trackProp(e){this.#p.add(e)}getCurrentQuery(){return this.#t}refetch({...e}={}){return this.fetch({...e})}fetchOptimistic(e){let t=this.#e.defaultQueryOptions(e),n=this.#e.getQueryCache().build(this.#e,t),r=()=>{},i,a=new Promise(e=>{i=e,r=this.#e.getQueryCache().subscribe(i=>{i.type===`updated`&&i.query.queryHash===n.queryHash&&n.state.data!==void 0&&(r(),e(this.createResult(n,t)))})});return Promise.race([n.fetch(t).then(()=>{let e=this.createResult(n,t);return i?.(e),e}).finally(()=>{r()}),a])}fetch(e){return this.#m({...e,cancelRefetch:e.cancelRefetch??!0}).then(()=>(this.updateResult(),this.#r))}#m(e){this.#S();let t=this.#t.fetch(this.options,e);return e?.throwOnError||(t=t.catch(j)),t}#h(e){return!y()&&l(this.options.enabled,this.#t)!==!1&&_(e)}#g(){this.#b();let e=l(this.options.staleTime,this.#t);if(this.#r.isStale||!this.#h(e))return;let t=w(this.#r.dataUpdatedAt,e)+1;this.#u=d.setTimeout(()=>{this.#r.isStale||this.updateResult()},t)}#_(){return l(this.options.refetchInterval,this.#t)??!1}#v(e){this.#x(),this.#f=e,this.#f!==0&&this.#h(this.#f)&&(this.#d=d.setInterval(()=>{(this.options.refetchIntervalInBackground||E.isFocused())&&this.#m()},this.#f))}#y(){this.#g(),this.#v(this.#_())}#b(){this.#u!==void 0&&(d.clearTimeout(this.#u),this.#u=void 0)}#x(){this.#d!==void 0&&(d.clearInterval(this.#d),this.#d=void 0)}createResult(e,t){let n=this.#t,r=this.options,i=this.#r,a=this.#i,o=this.#a,s=e===n?this.#n:e.state,{state:c}=e,d={...c},f=!1,p;if(t._optimisticResults){let i=this.hasListeners(),a=!i&&V(e,t),o=i&&U(e,n,t,r);(a||o)&&(d={...d,...R(c.data,e.options)}),t._optimisticResults===`isRestoring`&&(d.fetchStatus=`idle`)}let{error:m,errorUpdatedAt:h,status:g}=d;p=d.data;let _=!1;if(t.placeholderData!==void 0&&p===void 0&&g===`pending`){let e;i?.isPlaceholderData&&t.placeholderData===o?.placeholderData?(e=i.data,_=!0):e=typeof t.placeholderData==`function`?t.placeholderData(this.#l?.state.data,this.#l):t.placeholderData,e!==void 0&&(g=`success`,p=u(i?.data,e,t),f=!0)}if(t.select&&p!==void 0&&!_){if(i&&p===a?.data&&t.select===this.#s)p=this.#c;else try{this.#s=t.select,p=t.select(p),p=u(i?.data,p,t),this.#c=p,this.#o=null}catch(e){this.#o=e}}else p===void 0&&(this.#o=null);this.#o&&(m=this.#o,p=this.#c,h=i?.error===m?i.errorUpdatedAt:Date.now(),g=`error`,f=!1);let v=d.fetchStatus===`fetching`,y=g===`pending`,b=g===`error`,x=y&&v,S=p!==void 0;return{status:g,fetchStatus:d.fetchStatus,isPending:y,isSuccess:g===`success`,isError:b,isInitialLoading:x,isLoading:x,data:p,dataUpdatedAt:d.dataUpdatedAt,error:m,errorUpdatedAt:h,failureCount:d.fetchFailureCount,failureReason:d.fetchFailureReason,errorUpdateCount:d.errorUpdateCount,isFetched:e.isFetched(),isFetchedAfterMount:d.dataUpdateCount>s.dataUpdateCount||d.errorUpdateCount>s.errorUpdateCount,isFetching:v,isRefetching:v&&!y,isLoadingError:b&&!S,isPaused:d.fetchStatus===`paused`,isPlaceholderData:f,isRefetchError:b&&S,isStale:W(e,t),refetch:this.refetch,isEnabled:l(t.enabled,e)!==!1}}updateResult(){let e=this.#r,t=this.createResult(this.#t,this.options);if(this.#i=this.#t.state,this.#a=this.options,this.#i.data!==void 0&&(this.#l=this.#t),f(t,e))return;this.#r=t;let n=(()=>{if(!e)return!0;let{notifyOnChangeProps:t}=this.options,n=typeof t==`function`?t():t;if(n===`all`||!n&&!this.#p.size||this.options.throwOnError&&this.#r.error!==e.error)return!0;for(let t of n??this.#p)if(this.#r[t]!==e[t])return!0;return!1})();v.batch(()=>{n&&this.listeners.forEach(e=>{e(this.#r)}),this.#e.getQueryCache().notify({query:this.#t,type:`observerResultsUpdated`})})}#S(){let e=this.#e.getQueryCache().build(this.#e,this.options);if(e===this.#t)return;let t=this.#t;this.#t=e,this.#n=e.state,this.hasListeners()&&(t?.removeObserver(this),e.addObserver(this))}onQueryUpdate(){this.updateResult(),this.hasListeners()&&this.#y()}};function oe(e,t){return l(t.enabled,e)!==!1&&e.state.data===void 0&&(e.state.status!==`error`||l(t.retryOnMount,e)!==!1)}function V(e,t){return oe(e,t)||e.state.data!==void 0&&H(e,t,t.refetchOnMount)}function H(e,t,n){if(l(t.enabled,e)!==!1&&l(t.staleTime,e)!==`static`){let r=l(n,e);return r===`always`||r!==!1&&W(e,t)}return!1}function U(e,t,n,r){return(e!==t||l(r.enabled,e)===!1)&&(!n.suspense||e.state.status!==`error`)&&W(e,n)}function W(e,t){return l(t.enabled,e)!==!1&&e.isStaleByTime(l(t.staleTime,e))}var G=class extends k{#e;#t;#n;constructor(e={}){super(),this.config=e,this.#e=new Set,this.#t=new Map,this.#n=0}build(e,t,n){let r=new re({client:e,mutationCache:this,mutationId:++this.#n,options:e.defaultMutationOptions(t),state:n});return this.add(r),r}add(e){this.#e.add(e);let t=K(e);if(typeof t==`string`){let n=this.#t.get(t);n?n.push(e):this.#t.set(t,[e])}this.notify({type:`added`,mutation:e})}remove(e){if(this.#e.delete(e)){let t=K(e);if(typeof t==`string`){let n=this.#t.get(t);if(n){if(n.length>1){let t=n.indexOf(e);t!==-1&&n.splice(t,1)}else n[0]===e&&this.#t.delete(t)}}}this.notify({type:`removed`,mutation:e})}canRun(e){let t=K(e);if(typeof t==`string`){let n=this.#t.get(t)?.find(e=>e.state.status===`pending`);return!n||n===e}return!0}runNext(e){let t=K(e);return typeof t==`string`?(this.#t.get(t)?.find(t=>t!==e&&t.state.isPaused))?.continue()??Promise.resolve():Promise.resolve()}clear(){v.batch(()=>{let e=this.getAll();this.#e.clear(),this.#t.clear(),e.forEach(e=>{this.notify({type:`removed`,mutation:e})})})}getAll(){return Array.from(this.#e)}find(e){let t={exact:!0,...e};return this.getAll().find(e=>p(t,e))}findAll(e={}){return this.getAll().filter(t=>p(e,t))}notify(e){v.batch(()=>{this.listeners.forEach(t=>{t(e)})})}resumePausedMutations(){let e=this.getAll().filter(e=>e.state.isPaused);return v.batch(()=>Promise.all(e.map(e=>e.continue().catch(j))))}};function K(e){return e.options.scope?.id}var q=class extends k{#e;constructor(e={}){super(),this.config=e,this.#e=new Map}build(e,t,n){let r=t.queryKey,i=t.queryHash??M(r,t),a=this.get(i);return a||(a=new L({client:e,queryKey:r,queryHash:i,options:e.defaultQueryOptions(t),state:n,defaultOptions:e.getQueryDefaults(r)}),this.add(a)),a}add(e){this.#e.has(e.queryHash)||(this.#e.set(e.queryHash,e),this.notify({type:`added`,query:e}))}remove(e){this.#e.get(e.queryHash)===e&&(e.destroy(),this.#e.delete(e.queryHash),this.notify({type:`removed`,query:e}))}clear(){v.batch(()=>{this.getAll().forEach(e=>{this.remove(e)})})}get(e){return this.#e.get(e)}getAll(){return[...this.#e.values()]}find(e){let t={exact:!0,...e};return this.getAll().find(e=>c(t,e))}findAll(e={}){let t=this.getAll();return Object.keys(e).length>0?t.filter(t=>c(e,t)):t}notify(e){v.batch(()=>{this.listeners.forEach(t=>{t(e)})})}onFocus(){v.batch(()=>{this.getAll().forEach(e=>{e.onFocus()})})}onOnline(){v.batch(()=>{this.getAll().forEach(e=>{e.onOnline()})})}},se=class{#e;#t;#n;#r;#i;#a;#o;#s;constructor(e={}){this.#e=e.queryCache||new q,this.#t=e.mutationCache||new G,this.#n=e.defaultOptions||{},this.#r=new Map,this.#i=new Map,this.#a=0}mount(){this.#a++,this.#a===1&&(this.#o=E.subscribe(async e=>{e&&(await this.resumePausedMutations(),this.#e.onFocus())}),this.#s=O.subscribe(async e=>{e&&(await this.resumePausedMutations(),this.#e.onOnline())}))}unmount(){this.#a--,this.#a===0&&(this.#o?.(),this.#o=void 0,this.#s?.(),this.#s=void 0)}isFetching(e){return this.#e.findAll({...e,fetchStatus:`fetching`}).length}isMutating(e){return this.#t.findAll({...e,status:`pending`}).length}getQueryData(e){let t=this.defaultQueryOptions({queryKey:e});return this.#e.get(t.queryHash)?.state.data}ensureQueryData(e){let t=this.defaultQueryOptions(e),n=this.#e.build(this,t),r=n.state.data;return r===void 0?this.fetchQuery(e):(e.revalidateIfStale&&n.isStaleByTime(l(t.staleTime,n))&&this.prefetchQuery(t),Promise.resolve(r))}getQueriesData(e){return this.#e.findAll(e).map(({queryKey:e,state:t})=>[e,t.data])}setQueryData(e,t,n){let r=this.defaultQueryOptions({queryKey:e}),i=this.#e.get(r.queryHash)?.state.data,a=h(t,i);if(a!==void 0)return this.#e.build(this,r).setData(a,{...n,manual:!0})}setQueriesData(e,t,n){return v.batch(()=>this.#e.findAll(e).map(({queryKey:e})=>[e,this.setQueryData(e,t,n)]))}getQueryState(e){let t=this.defaultQueryOptions({queryKey:e});return this.#e.get(t.queryHash)?.state}removeQueries(e){let t=this.#e;v.batch(()=>{t.findAll(e).forEach(e=>{t.remove(e)})})}resetQueries(e,t){let n=this.#e;return v.batch(()=>{let r=n.findAll(e),i=new Set(r);return r.forEach(e=>{e.reset()}),this.refetchQueries({type:`active`,predicate:e=>i.has(e)},t)})}cancelQueries(e,t={}){let n={revert:!0,...t},r=v.batch(()=>this.#e.findAll(e).map(e=>e.cancel(n)));return Promise.all(r).then(j).catch(j)}invalidateQueries(e,t={}){return v.batch(()=>(this.#e.findAll(e).forEach(e=>{e.invalidate()}),e?.refetchType===`none`?Promise.resolve():this.refetchQueries({...e,type:e?.refetchType??e?.type??`active`},t)))}refetchQueries(e,t={}){let n={...t,cancelRefetch:t.cancelRefetch??!0},r=v.batch(()=>this.#e.findAll(e).filter(e=>!e.isDisabled()&&!e.isStatic()).map(e=>{let t=e.fetch(void 0,n),r=e.state.fetchStatus===`paused`;return(!n.throwOnError||r)&&(t=t.catch(j)),r?Promise.resolve():t}));return Promise.all(r).then(j)}async query(e){let t=this.defaultQueryOptions(e);t.retry===void 0&&(t.retry=!1);let n=this.#e.build(this,t),r=n.isStaleByTime(l(t.staleTime,n))?await n.fetch(t):n.state.data,i=t.select;return i?i(r):r}fetchQuery(e){let t=this.defaultQueryOptions(e);t.retry===void 0&&(t.retry=!1);let n=this.#e.build(this,t);return n.isStaleByTime(l(t.staleTime,n))?n.fetch(t):Promise.resolve(n.state.data)}prefetchQuery(e){return this.fetchQuery(e).then(j).catch(j)}infiniteQuery(e){return e._type=`infinite`,this.query(e)}fetchInfiniteQuery(e){return e._type=`infinite`,this.fetchQuery(e)}prefetchInfiniteQuery(e){return this.fetchInfiniteQuery(e).then(j).catch(j)}ensureInfiniteQueryData(e){return e._type=`infinite`,this.ensureQueryData(e)}resumePausedMutations(){return O.isOnline()?this.#t.resumePausedMutations():Promise.resolve()}getQueryCache(){return this.#e}getMutationCache(){return this.#t}getDefaultOptions(){return this.#n}setDefaultOptions(e){this.#n=e}setQueryDefaults(e,t){this.#r.set(A(e),{queryKey:e,defaultOptions:t})}getQueryDefaults(e){let t=[...this.#r.values()],n={};return t.forEach(t=>{m(e,t.queryKey)&&Object.assign(n,t.defaultOptions)}),n}setMutationDefaults(e,t){this.#i.set(A(e),{mutationKey:e,defaultOptions:t})}getMutationDefaults(e){let t=[...this.#i.values()],n={};return t.forEach(t=>{m(e,t.mutationKey)&&Object.assign(n,t.defaultOptions)}),n}defaultQueryOptions(e){if(e._defaulted)return e;let t={...this.#n.queries,...this.getQueryDefaults(e.queryKey),...e,_defaulted:!0};return t.queryHash||=M(t.queryKey,t),t.refetchOnReconnect===void 0&&(t.refetchOnReconnect=t.networkMode!==`always`),t.throwOnError===void 0&&(t.throwOnError=!!t.suspense),!t.networkMode&&t.persister&&(t.networkMode=`offlineFirst`),t.queryFn===s&&(t.enabled=!1),t}defaultMutationOptions(e){return e?._defaulted?e:{...this.#n.mutations,...e?.mutationKey&&this.getMutationDefaults(e.mutationKey),...e,_defaulted:!0}}clear(){this.#e.clear(),this.#t.clear()}},J=e(t(),1),Y=J.createContext(!1),ce=()=>J.useContext(Y);Y.Provider,n();function le(){let e=!1;return{clearReset:()=>{e=!1},reset:()=>{e=!0},isReset:()=>e}}var ue=J.createContext(le()),de=()=>J.useContext(ue),fe=(e,t,n)=>{let r=n?.state.status===`error`&&typeof e.throwOnError==`function`?T(e.throwOnError,[n.state.error,n]):e.throwOnError;(e.suspense||r)&&(t.isReset()||(e.retryOnMount=!1))},pe=e=>{J.useEffect(()=>{e.clearReset()},[e])},me=({result:e,errorResetBoundary:t,throwOnError:n,query:r,suspense:i})=>e.isError&&!t.isReset()&&!e.isFetching&&r&&(i&&e.data===void 0||T(n,[e.error,r])),he=(e,t)=>t.state.data===void 0,ge=e=>{if(e.suspense){let t=1e3,n=e=>e===`static`?e:Math.max(e??t,t),r=e.staleTime;e.staleTime=typeof r==`function`?(...e)=>n(r(...e)):n(r),typeof e.gcTime==`number`&&(e.gcTime=Math.max(e.gcTime,t))}},_e=(e,t)=>e?.suspense&&t.isPending,ve=(e,t,n)=>t.fetchOptimistic(e).catch(()=>{n.clearReset()});function ye(e,t,n){let r=ce(),a=de(),o=i(n),s=o.defaultQueryOptions(e),c=o.getQueryCache().get(s.queryHash),l=e.subscribed!==!1;s._optimisticResults=r?`isRestoring`:l?`optimistic`:void 0,ge(s),fe(s,a,c),pe(a);let[u]=J.useState(()=>new t(o,s)),d=u.getOptimisticResult(s);J.useEffect(()=>{u.setOptions(s)},[s,u]);let f=!r&&l;if(J.useSyncExternalStore(J.useCallback(e=>{let t=f?u.subscribe(v.batchCalls(e)):j;return u.updateResult(),t},[u,f]),()=>u.getCurrentResult(),()=>u.getCurrentResult()),_e(s,d))throw ve(s,u,a);if(me({result:d,errorResetBoundary:a,throwOnError:s.throwOnError,query:c,suspense:s.suspense}))throw d.error;return s.notifyOnChangeProps?d:u.trackResult(d)}function be(e){return e}var X=[`B`,`kB`,`MB`,`GB`];function xe(e){let t=0;for(;e>=1e3&&t<X.length-1;)e/=1e3,t++;return`${t===0?e:e.toFixed(+(e<10))} ${X[t]}`}var Se=new Intl.NumberFormat(`en-GB`),Ce=new Intl.NumberFormat(`en-GB`,{notation:`compact`,maximumFractionDigits:1});function Z(e,t){return Se.format(e)+(t!==void 0&&e>=t?`+`:``)}var we=e=>Ce.format(e);function Te(e){let t=e*100;return`${t===100||t===0?t:t>99||t<1?t.toFixed(2):t.toFixed(1)} %`}function Ee(e,t,n=`${t}s`){return`${Z(e)} ${e===1?t:n}`}function De(e){let t=(t,n)=>{o(t)===`unauthenticated`&&!n&&e()};return new se({queryCache:new q({onError:(e,n)=>t(e,n.meta?.asks)}),mutationCache:new G({onError:e=>t(e)}),defaultOptions:{queries:{staleTime:5e3,retry:(e,t)=>e<2&&r(t),retryDelay:e=>500*2**e},mutations:{retry:!1}}})}function Oe(e,t,n){return be({queryKey:[...e,n],queryFn:({signal:e})=>a(t,n,e)})}function ke(e,t){let n=e?.edges?.length??0;return e&&n<e.totalCount?`The first ${n} of ${Z(e.totalCount,t)}.`:void 0}function Ae(e){return(e?.edges??[]).flatMap(e=>e?.node?[e.node]:[])}var Q=class extends String{__apiType;value;__meta__;constructor(e,t){super(e),this.value=e,this.__meta__=t}toString(){return this.value}};new Q(`
    fragment DestinationRow on Destination {
  id
  accountID
  name
  url
  httpMethod
  state
  reason
  createdAt
  account {
    id
    name
  }
  health {
    parkedCount
    recentSuccessRate
  }
}
    `,{fragmentName:`DestinationRow`}),new Q(`
    fragment EventDelivery on Delivery {
  id
  status
  reason
  attemptCount
  nextAttemptAt
  parkedAt
  createdAt
  settledAt
  engineURL
  destinationID
  destination {
    id
    name
    url
    httpMethod
    state
    reason
  }
}
    `,{fragmentName:`EventDelivery`}),new Q(`
    fragment AttemptDetails on Attempt {
  id
  number
  status
  errorClass
  error
  startedAt
  askedBy
  durationMs
  timings {
    dnsMs
    connectMs
    tlsMs
    firstByteMs
    totalMs
  }
  requestHeaders {
    name
    value
  }
  responseHeaders {
    name
    value
  }
  responseBody
  responseTruncated
}
    `,{fragmentName:`AttemptDetails`}),new Q(`
    fragment EventRow on Event {
  id
  eventType
  createdAt
  size
  account {
    id
    name
  }
  replayOf {
    id
  }
  deliveries(first: 25) {
    totalCount
    edges {
      node {
        id
        status
      }
    }
  }
}
    `,{fragmentName:`EventRow`});var je=new Q(`
    query Account($id: ID!) {
  account(id: $id) {
    id
    name
    email
    website
    allowCIDRs
    createdAt
    updatedAt
    destinations(first: 1) {
      totalCount
    }
    tokens(first: 100, orderBy: {field: CREATED_AT, direction: DESC}) {
      totalCount
      edges {
        node {
          id
          name
          prefix
          first
          scopes
          createdAt
          lastUsedAt
          expiresAt
          revokedAt
        }
      }
    }
  }
}
    `),Me=new Q(`
    mutation UpdateAccount($input: UpdateAccountInput!) {
  updateAccount(input: $input) {
    account {
      id
    }
  }
}
    `),Ne=new Q(`
    mutation SetAccountEgress($input: SetAccountEgressInput!) {
  setAccountEgress(input: $input) {
    account {
      id
    }
  }
}
    `),Pe=new Q(`
    mutation DeleteAccount($input: DeleteAccountInput!) {
  deleteAccount(input: $input) {
    deletedID
  }
}
    `),Fe=new Q(`
    mutation CreateToken($input: CreateTokenInput!) {
  createToken(input: $input) {
    token {
      id
      name
    }
    secretToken
  }
}
    `),Ie=new Q(`
    mutation RotateToken($input: RotateTokenInput!) {
  rotateToken(input: $input) {
    token {
      id
      name
    }
    secretToken
  }
}
    `),Le=new Q(`
    mutation RevokeToken($input: RevokeTokenInput!) {
  revokeToken(input: $input) {
    token {
      id
    }
  }
}
    `),Re=new Q(`
    query Accounts($first: Int!, $after: Cursor, $where: AccountWhereInput) {
  accounts(
    first: $first
    after: $after
    where: $where
    orderBy: {field: CREATED_AT, direction: DESC}
  ) {
    totalCount
    edges {
      node {
        id
        name
        email
        createdAt
        destinations(first: 1) {
          totalCount
        }
        tokens(first: 1) {
          totalCount
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `),ze=new Q(`
    mutation CreateAccount($input: CreateAccountInput!) {
  createAccount(input: $input) {
    account {
      id
      name
    }
    secretToken
  }
}
    `),Be=new Q(`
    query Actions($first: Int!, $after: Cursor, $where: ActionWhereInput) {
  actions(
    first: $first
    after: $after
    where: $where
    orderBy: {field: CREATED_AT, direction: DESC}
  ) {
    totalCount
    edges {
      node {
        id
        accountID
        subjectID
        kind
        actor
        reason
        address
        requestID
        createdAt
        before
        after
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `),Ve=new Q(`
    query Destination($id: ID!) {
  destination(id: $id) {
    id
    accountID
    name
    url
    httpMethod
    enabled
    state
    reason
    pausedUntil
    signingAlgorithm
    createdAt
    updatedAt
    headers {
      name
      value
    }
    retrySchedule
    timeout
    giveUpAfter
    account {
      id
      name
    }
    health {
      since
      recentSuccessRate
      parkedCount
      oldestParkedAt
      nextProbeAt
      failingSince
      draining
    }
  }
}
    `),He=new Q(`
    query HealthTimeline($id: ID!) {
  destination(id: $id) {
    id
    health {
      timeline {
        state
        from
        to
        reason
        actor
      }
    }
  }
}
    `),Ue=new Q(`
    query DestinationDeliveries($destinationID: ID!, $first: Int!, $after: Cursor, $where: DeliveryWhereInput) {
  destination(id: $destinationID) {
    id
    deliveries(
      first: $first
      after: $after
      where: $where
      orderBy: {field: CREATED_AT, direction: DESC}
    ) {
      totalCount
      edges {
        node {
          id
          eventID
          status
          reason
          attemptCount
          nextAttemptAt
          createdAt
          event {
            id
            eventType
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
    `),We=new Q(`
    subscription DestinationHealth($destinationID: ID!) {
  destinationHealthChanged(destinationID: $destinationID) {
    destination {
      id
      state
    }
  }
}
    `),Ge=new Q(`
    mutation PauseDestination($input: PauseDestinationInput!) {
  pauseDestination(input: $input) {
    destination {
      id
      state
    }
  }
}
    `),Ke=new Q(`
    mutation ResumeDestination($input: ResumeDestinationInput!) {
  resumeDestination(input: $input) {
    destination {
      id
      state
    }
  }
}
    `),qe=new Q(`
    mutation DeleteDestination($input: DeleteDestinationInput!) {
  deleteDestination(input: $input) {
    deletedID
  }
}
    `),Je=new Q(`
    mutation RotateSigningSecret($input: RotateSigningSecretInput!) {
  rotateSigningSecret(input: $input) {
    destination {
      id
    }
    signingSecret
  }
}
    `),Ye=new Q(`
    mutation SendTestEvent($input: SendTestEventInput!) {
  sendTestEvent(input: $input) {
    event {
      id
    }
    delivery {
      id
    }
  }
}
    `),Xe=new Q(`
    mutation PreviewDelivery($input: PreviewDeliveryInput!) {
  previewDelivery(input: $input) {
    request {
      method
      url
      headers {
        name
        value
      }
      body
    }
  }
}
    `),Ze=new Q(`
    query Destinations($first: Int!, $after: Cursor, $where: DestinationWhereInput) {
  destinations(
    first: $first
    after: $after
    where: $where
    orderBy: {field: CREATED_AT, direction: DESC}
  ) {
    totalCount
    edges {
      node {
        ...DestinationRow
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment DestinationRow on Destination {
  id
  accountID
  name
  url
  httpMethod
  state
  reason
  createdAt
  account {
    id
    name
  }
  health {
    parkedCount
    recentSuccessRate
  }
}`),Qe=new Q(`
    mutation CreateDestination($input: CreateDestinationInput!) {
  createDestination(input: $input) {
    destination {
      id
      name
      url
    }
    signingSecret
  }
}
    `),$e=new Q(`
    mutation UpdateDestination($input: UpdateDestinationInput!) {
  updateDestination(input: $input) {
    destination {
      id
    }
  }
}
    `),et=new Q(`
    query Event($id: ID!) {
  event(id: $id) {
    id
    accountID
    eventType
    idempotencyKey
    createdAt
    size
    payload
    replayID
    replayOf {
      id
    }
    account {
      id
      name
    }
    replays(first: 5, orderBy: {field: CREATED_AT, direction: DESC}) {
      totalCount
      edges {
        node {
          id
          createdAt
        }
      }
    }
    deliveries(first: 100) {
      totalCount
      edges {
        node {
          ...EventDelivery
        }
      }
    }
  }
}
    fragment EventDelivery on Delivery {
  id
  status
  reason
  attemptCount
  nextAttemptAt
  parkedAt
  createdAt
  settledAt
  engineURL
  destinationID
  destination {
    id
    name
    url
    httpMethod
    state
    reason
  }
}`),tt=new Q(`
    query DeliveryAttempts($id: ID!, $last: Int!) {
  delivery(id: $id) {
    id
    status
    attempts(last: $last) {
      totalCount
      edges {
        node {
          ...AttemptDetails
        }
      }
    }
    timeline {
      at
      kind
      text
    }
  }
}
    fragment AttemptDetails on Attempt {
  id
  number
  status
  errorClass
  error
  startedAt
  askedBy
  durationMs
  timings {
    dnsMs
    connectMs
    tlsMs
    firstByteMs
    totalMs
  }
  requestHeaders {
    name
    value
  }
  responseHeaders {
    name
    value
  }
  responseBody
  responseTruncated
}`),nt=new Q(`
    subscription EventDeliveriesUpdated($eventID: ID!) {
  deliveryUpdated(eventID: $eventID) {
    delivery {
      id
      status
      attemptCount
    }
    skipped
  }
}
    `),rt=new Q(`
    mutation RetryDelivery($input: RetryDeliveryInput!) {
  retryDelivery(input: $input) {
    delivery {
      ...EventDelivery
    }
  }
}
    fragment EventDelivery on Delivery {
  id
  status
  reason
  attemptCount
  nextAttemptAt
  parkedAt
  createdAt
  settledAt
  engineURL
  destinationID
  destination {
    id
    name
    url
    httpMethod
    state
    reason
  }
}`),it=new Q(`
    mutation CancelDelivery($input: CancelDeliveryInput!) {
  cancelDelivery(input: $input) {
    delivery {
      ...EventDelivery
    }
  }
}
    fragment EventDelivery on Delivery {
  id
  status
  reason
  attemptCount
  nextAttemptAt
  parkedAt
  createdAt
  settledAt
  engineURL
  destinationID
  destination {
    id
    name
    url
    httpMethod
    state
    reason
  }
}`),at=new Q(`
    mutation PostponeDelivery($input: PostponeDeliveryInput!) {
  postponeDelivery(input: $input) {
    delivery {
      ...EventDelivery
    }
  }
}
    fragment EventDelivery on Delivery {
  id
  status
  reason
  attemptCount
  nextAttemptAt
  parkedAt
  createdAt
  settledAt
  engineURL
  destinationID
  destination {
    id
    name
    url
    httpMethod
    state
    reason
  }
}`),ot=new Q(`
    mutation ReplayEvent($input: ReplayEventInput!) {
  replayEvent(input: $input) {
    event {
      id
    }
  }
}
    `),st=new Q(`
    query ReplayTargets($accountID: ID!) {
  destinations(first: 100, where: {accountID: $accountID}) {
    totalCount
    edges {
      node {
        id
        name
        url
        state
      }
    }
  }
}
    `),ct=new Q(`
    query Events($first: Int!, $after: Cursor, $where: EventWhereInput) {
  events(
    first: $first
    after: $after
    where: $where
    orderBy: {field: CREATED_AT, direction: DESC}
  ) {
    totalCount
    edges {
      node {
        ...EventRow
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment EventRow on Event {
  id
  eventType
  createdAt
  size
  account {
    id
    name
  }
  replayOf {
    id
  }
  deliveries(first: 25) {
    totalCount
    edges {
      node {
        id
        status
      }
    }
  }
}`),lt=new Q(`
    query NewEvents($where: EventWhereInput) {
  events(first: 100, where: $where, orderBy: {field: CREATED_AT, direction: DESC}) {
    totalCount
    edges {
      node {
        ...EventRow
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment EventRow on Event {
  id
  eventType
  createdAt
  size
  account {
    id
    name
  }
  replayOf {
    id
  }
  deliveries(first: 25) {
    totalCount
    edges {
      node {
        id
        status
      }
    }
  }
}`),ut=new Q(`
    query RefreshEvents($ids: [ID!]!) {
  events(first: 100, where: {idIn: $ids}) {
    edges {
      node {
        ...EventRow
      }
    }
  }
}
    fragment EventRow on Event {
  id
  eventType
  createdAt
  size
  account {
    id
    name
  }
  replayOf {
    id
  }
  deliveries(first: 25) {
    totalCount
    edges {
      node {
        id
        status
      }
    }
  }
}`),dt=new Q(`
    subscription EventReceived($accountID: ID) {
  eventReceived(accountID: $accountID) {
    event {
      id
    }
  }
}
    `),ft=new Q(`
    subscription DeliveriesUpdated($accountID: ID, $destinationID: ID) {
  deliveryUpdated(accountID: $accountID, destinationID: $destinationID) {
    delivery {
      id
      eventID
      status
    }
    skipped
  }
}
    `),pt=new Q(`
    query EventFilterNames($account: ID!, $destination: ID!) {
  account(id: $account) {
    id
    name
  }
  destination(id: $destination) {
    id
    name
    url
    account {
      id
      name
    }
  }
}
    `),mt=new Q(`
    query Trouble($where: DestinationWhereInput!) {
  destinations(
    first: 8
    where: $where
    orderBy: {field: CREATED_AT, direction: DESC}
  ) {
    totalCount
    edges {
      node {
        id
        name
        url
        state
        reason
        account {
          id
          name
        }
        health {
          since
          parkedCount
          nextProbeAt
        }
      }
    }
  }
}
    `),ht=new Q(`
    query Beginnings {
  accounts(first: 1) {
    totalCount
  }
  destinations(first: 1) {
    totalCount
  }
  events(first: 1) {
    totalCount
  }
}
    `),gt=new Q(`
    query Failing($from: Time) {
  statistics(from: $from) {
    troubledDestinations(limit: 6) {
      destinationID
      destination {
        id
        name
        url
        state
        account {
          id
          name
        }
      }
      figures {
        attempts
        failedAttempts
        successRate
      }
    }
  }
}
    `),_t=new Q(`
    mutation CreatePortalLink($input: CreatePortalLinkInput!) {
  createPortalLink(input: $input) {
    id
    url
    expiresAt
  }
}
    `),vt=new Q(`
    mutation RevokePortalLinks($input: RevokePortalLinksInput!) {
  revokePortalLinks(input: $input) {
    links
    sessions
  }
}
    `),yt=new Q(`
    query Replay($id: ID!) {
  replay(id: $id) {
    id
    accountID
    status
    actor
    reason
    destinationID
    eventType
    rate
    matched
    replayed
    skipped
    deliveries
    createdAt
    finishedAt
    from
    to
    statuses
    report {
      pending
      retrying
      parked
      succeeded
      failed
      canceled
    }
  }
}
    `),$=new Q(`
    mutation PauseReplay($input: PauseReplayInput!) {
  pauseReplay(input: $input) {
    replay {
      id
    }
  }
}
    `),bt=new Q(`
    mutation ResumeReplay($input: ResumeReplayInput!) {
  resumeReplay(input: $input) {
    replay {
      id
    }
  }
}
    `),xt=new Q(`
    mutation CancelReplay($input: CancelReplayInput!) {
  cancelReplay(input: $input) {
    replay {
      id
    }
  }
}
    `),St=new Q(`
    query Replays($first: Int!, $after: Cursor, $where: ReplayWhereInput) {
  replays(
    first: $first
    after: $after
    where: $where
    orderBy: {field: CREATED_AT, direction: DESC}
  ) {
    totalCount
    edges {
      node {
        id
        accountID
        status
        createdAt
        eventType
        matched
        replayed
        skipped
        rate
        reason
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `),Ct=new Q(`
    query ReplayChoices($accounts: AccountWhereInput, $destinations: DestinationWhereInput) {
  accounts(first: 100, where: $accounts) {
    totalCount
    edges {
      node {
        id
        name
      }
    }
  }
  destinations(first: 100, where: $destinations) {
    totalCount
    edges {
      node {
        id
        name
        url
      }
    }
  }
}
    `),wt=new Q(`
    mutation ReplayEvents($input: ReplayEventsInput!) {
  replayEvents(input: $input) {
    count
    replay {
      id
    }
  }
}
    `),Tt=new Q(`
    query System {
  system {
    version
    commit
    goVersion
    startedAt
    now
    database {
      kind
      version
      clockOffsetMs
      roundTripMs
      sizeBytes
    }
    engine {
      name
      ready
      error
      url
    }
    backlog {
      pending
      retrying
      parked
    }
    processes {
      id
      startedAt
      lastSeenAt
      current
    }
  }
}
    `),Et=new Q(`
    query ViewerSession {
  viewer {
    kind
    scopes
    session
    expiresAt
  }
}
    `),Dt=new Q(`
    query Statistics($accountID: ID, $destinationID: ID, $from: Time, $step: Duration) {
  statistics(
    accountID: $accountID
    destinationID: $destinationID
    from: $from
    step: $step
  ) {
    from
    to
    step
    totals {
      events
      deliveries
      attempts
      failedAttempts
      succeeded
      failed
      successRate
      attemptDuration {
        p50Ms
        p95Ms
        p99Ms
        maxMs
      }
      deliveryDuration {
        p50Ms
        p95Ms
        p99Ms
        maxMs
      }
    }
    buckets {
      at
      figures {
        events
        deliveries
        attempts
        failedAttempts
        succeeded
        failed
        successRate
        attemptDuration {
          p50Ms
          p95Ms
          p99Ms
        }
      }
    }
    results {
      status
      errorClass
      count
    }
    attemptDurations {
      fromMs
      toMs
      count
    }
  }
}
    `),Ot=new Q(`
    query Backlog($accountID: ID, $destinationID: ID) {
  backlog(accountID: $accountID, destinationID: $destinationID) {
    pending
    retrying
    parked
  }
}
    `),kt=new Q(`
    query FindDelivery($id: ID!) {
  delivery(id: $id) {
    id
    eventID
  }
}
    `),At=new Q(`
    query FindByName($destinations: DestinationWhereInput!, $accounts: AccountWhereInput!) {
  destinations(first: 5, where: $destinations) {
    edges {
      node {
        id
        name
        url
        state
      }
    }
  }
  accounts(first: 5, where: $accounts) {
    edges {
      node {
        id
        name
        email
      }
    }
  }
}
    `),jt=new Q(`
    query Viewer {
  viewer {
    kind
    scopes
    account {
      id
      name
      email
    }
  }
}
    `);export{Me as $,Ge as A,St as B,dt as C,kt as D,At as E,Ct as F,Le as G,bt as H,yt as I,Ye as J,Je as K,ot as L,at as M,Xe as N,He as O,ut as P,mt as Q,wt as R,pt as S,gt as T,rt as U,Ke as V,vt as W,Dt as X,Ne as Y,Tt as Z,Ve as _,ht as a,De as at,nt as b,ze as c,Z as ct,Fe as d,we as dt,$e as et,Pe as f,ye as ft,Ue as g,I as gt,tt as h,F as ht,Ot as i,ke as it,$ as j,lt as k,Qe as l,Te as lt,ft as m,ae as mt,Re as n,Et as nt,it as o,Ae as ot,qe as p,he as pt,Ie as q,Be as r,Oe as rt,xt as s,xe as st,je as t,jt as tt,_t as u,Ee as ut,We as v,ct as w,et as x,Ze as y,st as z};